// One mail address, without what surrounds it: the form that settings, tables, the queue and deliveries share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/base/result.h"

namespace facteur::address {

/// A local part and a domain. Made by a parser, so that neither holds a control character.
struct Address {
  std::string local_part;  ///< what it says, without quotes and backslashes
  std::string domain;      ///< as written; "[...]" for an address literal; empty for a local name
  auto fields() { return std::tie(local_part, domain); }

  /// "user@domain" or "user", quoted where needed, as written otherwise. Empty for the empty address.
  [[nodiscard]] std::string to_string() const;
  /// The same with the domain in lower case: equal addresses have equal keys.
  [[nodiscard]] std::string key() const;
  /// Both parts empty: the null reverse-path.
  [[nodiscard]] bool empty() const { return local_part.empty() && domain.empty(); }
  /// The local part counts by the octet, the domain without regard to case (RFC 5321 section 2.4).
  friend bool operator==(const Address& a, const Address& b);
};

/// The address that is the whole of `text`: "user@domain", "\"a b\"@domain", "user@[192.0.2.1]", or "user" alone.
/// Kind::permanent with the reason otherwise: syntax of RFC 5321 section 4.1.2, its limits, ill-formed UTF-8.
[[nodiscard]] Result<Address> parse(std::string_view text);

/// Takes an address from the front of `text`: up to what cannot belong to it.
[[nodiscard]] Result<Address> take(std::string_view& text);

/// A local part cut at the first of the `delimiters` (recipient_delimiter of postconf(5)) that is not its first
/// character: the user, and the detail behind it if there is one. Names of the mail system itself stay whole.
[[nodiscard]] std::pair<std::string_view, std::optional<std::string_view>> split_detail(std::string_view local_part,
                                                                                        std::string_view delimiters);

}  // namespace facteur::address
