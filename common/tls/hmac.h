// Keyed hashes, for octets that must be recognised and not be kept.
#pragma once

#include <string>
#include <string_view>

namespace facteur::tls {

/// HMAC-SHA-256 (RFC 2104, RFC 6234): 32 octets.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view octets);

}  // namespace facteur::tls
