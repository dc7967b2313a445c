// Tickets: what a login process gets for a good login, and master turns into an account. Worth nothing to anybody else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "auth/doors.h"
#include "common/base/time.h"

namespace facteur::auth {

/// Tickets that were given out and not yet taken. Each is bound to the service, to the process whose door earned it and
/// to the client's address, and is good for 30 s, once.
class Tickets {
 public:
  struct Bond {
    Service service = Service::imap;
    std::uint32_t instance = 0;
    std::string client_ip;
    friend bool operator==(const Bond&, const Bond&) = default;
  };

  /// 16 random octets; nothing when `max_open` tickets are out.
  [[nodiscard]] std::optional<std::string> issue(Bond bond, std::string login, MonotonicTime now);
  /// The login that earned it. Whatever the answer, the ticket is gone.
  [[nodiscard]] std::optional<std::string> redeem(const std::string& ticket, const Bond& bond, MonotonicTime now);
  /// Forgets those of a process whose door has closed.
  void forget(std::uint32_t instance);

  static constexpr Seconds lifetime{30};
  static constexpr std::size_t max_open = 10'000;

 private:
  struct Open {
    Bond bond;
    std::string login;
    MonotonicTime until;
  };
  std::unordered_map<std::string, Open> open_;
};

}  // namespace facteur::auth
