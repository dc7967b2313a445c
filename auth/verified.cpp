#include "auth/verified.h"

#include "common/base/random.h"
#include "common/tls/hmac.h"

namespace facteur::auth {

Verified::Verified(Seconds lifetime) : secret_(random_octets(32)), lifetime_(lifetime) {
}

std::string Verified::key(std::string_view account, std::string_view record, std::string_view password) const {
  // Lengths in front: no two logins run together to the same octets.
  std::string octets;
  for (const auto part : {account, record, password}) {
    octets += std::to_string(part.size()) + ":";
    octets += part;
  }
  return tls::hmac_sha256(secret_, octets);
}

bool Verified::has(const std::string& key, MonotonicTime now) const {
  const auto found = until_.find(key);
  return found != until_.end() && now < found->second;
}

void Verified::remember(const std::string& key, MonotonicTime now) {
  if (lifetime_ == Seconds{0}) return;
  if (until_.size() >= max_entries) std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  if (until_.size() >= max_entries) until_.clear();
  until_[key] = now + lifetime_;
}

}  // namespace facteur::auth
