// What the stores share of flags, keywords and counters: pure functions on the types of mailbox.h.
#pragma once

#include <string>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::store {

/// Octets of one keyword.
constexpr std::size_t max_keyword_length = 200;

/// True for what can stand in a flag list as an atom and in our files as a word: printable ASCII without white space,
/// parentheses, braces, quotes, wildcards and backslash (RFC 3501 section 9, flag-keyword).
[[nodiscard]] bool is_keyword(std::string_view name);

/// The bits of these keywords; names that `table` has not are added to it. Kind::permanent, and `table` left as it was,
/// if one is no keyword or they would be more than `max_keywords`.
[[nodiscard]] Result<std::uint64_t> add_keywords(std::vector<std::string>& table,
                                                 const std::vector<std::string>& names);
/// Kind::permanent if one of these messages has a keyword that is none.
[[nodiscard]] Result<> check_keywords(std::span<const NewMessage> messages);
/// The bits of those keywords that `table` has.
[[nodiscard]] std::uint64_t keyword_bits(const std::vector<std::string>& table, const std::vector<std::string>& names);
/// The names of these bits.
[[nodiscard]] std::vector<std::string> keyword_names(const std::vector<std::string>& table, std::uint64_t bits);

/// Flags after a change.
[[nodiscard]] Flags change(Flags before, FlagChange how, Flags by);

/// The counters of a snapshot.
[[nodiscard]] Status count(const Snapshot& snapshot, Uid first_recent);

/// The record of a UID; nullptr if there is none.
[[nodiscard]] const Record* find(const Snapshot& snapshot, Uid uid);

}  // namespace facteur::store
