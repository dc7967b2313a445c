#include "common/tls/hmac.h"

#include <array>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/result.h"

namespace facteur::tls {

std::string hmac_sha256(std::string_view key, std::string_view octets) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(octets.data());
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data, octets.size(), out.data(), &size);
  check(done != nullptr && size == 32, "HMAC-SHA-256 is always there");
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace facteur::tls
