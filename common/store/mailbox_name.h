// Names of mailboxes: what a client may ask for, and the list that LIST wants.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::store {

constexpr std::size_t max_name_length = 1000;  ///< octets of a whole name
constexpr std::size_t max_name_levels = 64;

/// The name as the stores know it: "INBOX" in capitals where it is the first level in any case (RFC 3501 section 5.1).
/// Kind::permanent for what no store keeps: empty names and levels, levels that begin with '.' or '~' or are the names
/// of our own and Maildir's files, control characters, wildcards, what is not UTF-8, and what is beyond the bounds.
[[nodiscard]] Result<std::string> canonical_name(std::string_view name);

/// The mailboxes, INBOX first, then by name, with the parents that do not exist themselves as not selectable.
[[nodiscard]] std::vector<Listed> listing(const std::set<std::string>& names);

/// True if `name` lies below `parent`.
[[nodiscard]] bool is_below(std::string_view name, std::string_view parent);

}  // namespace facteur::store
