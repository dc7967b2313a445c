// Domain names as text: which of those that name servers send are fit to be used.
#pragma once

#include <string_view>

namespace facteur::dns {

/// Letters, digits, hyphens and underscores in labels of 1 to 63 octets, at most 253 in all, no dot at the end, no
/// hyphen at the ends of a label (RFC 1123 section 2.1). Underscores are no part of a host name, yet are seen in MX
/// records. What else a name server sends is never used, nor shown.
[[nodiscard]] bool is_domain_name(std::string_view name);
/// The same without underscores, with at least one dot and a last label that is not a number: a name one may believe to
/// be that of a host, and never an address in disguise.
[[nodiscard]] bool is_host_name(std::string_view name);

}  // namespace facteur::dns
