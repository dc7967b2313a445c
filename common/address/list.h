// The addresses of a header field (RFC 5322 section 3.4, obsolete forms of section 4.4 included). What is malformed is
// read by this rule: commas outside quotes, comments and routes part the entries; "<" makes what was before it the
// name; what is behind ">" is dropped; the first "@" parts local part and domain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address/address.h"

namespace facteur::address {

/// Entries that are read; a list with more is cut there.
constexpr std::size_t max_list_entries = 10000;

/// One entry of an address list: a mailbox, or the begin or end of a group (groups cannot be nested).
struct ListEntry {
  enum class Type : std::uint8_t { mailbox, group_begin, group_end };
  Type type = Type::mailbox;
  std::optional<std::string> name;  ///< display name, or the last comment if there is none; of a group its name
  std::string route;                ///< "@a,@b" of an obsolete source route
  std::string local_part;           ///< without quotes
  std::string domain;               ///< empty if missing
  bool well_formed = false;         ///< a mailbox whose address has exactly the form of RFC 5322
  friend bool operator==(const ListEntry&, const ListEntry&) = default;

  /// The address of a well-formed mailbox that SMTP can carry (limits of RFC 5321); nothing for others.
  [[nodiscard]] std::optional<Address> address() const;
};

/// The entries of a field body, folded or not; at most `most`, an opened group always closed. Names keep their encoded
/// words. Linear, whatever the text.
[[nodiscard]] std::vector<ListEntry> parse_list(std::string_view body, std::size_t most = max_list_entries);

}  // namespace facteur::address
