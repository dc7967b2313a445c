// Passwords that were verified a little while ago, so that a client that logs in every minute costs one hash in five.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/time.h"

namespace facteur::auth {

/// Remembers account, record and password together as one keyed hash; never the password. A record that changed gives
/// another hash, so what was remembered for the old one is never found again. Only successes are remembered.
class Verified {
 public:
  explicit Verified(Seconds lifetime);

  /// Makes the entry of a login: `record` is everything whose change must drop it.
  [[nodiscard]] std::string key(std::string_view account, std::string_view record, std::string_view password) const;
  [[nodiscard]] bool has(const std::string& key, MonotonicTime now) const;
  void remember(const std::string& key, MonotonicTime now);
  void set_lifetime(Seconds lifetime) { lifetime_ = lifetime; }
  [[nodiscard]] std::size_t size() const { return until_.size(); }

  static constexpr std::size_t max_entries = 20'000;

 private:
  std::string secret_;
  Seconds lifetime_;
  std::unordered_map<std::string, MonotonicTime> until_;
};

}  // namespace facteur::auth
