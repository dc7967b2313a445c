// Slows down who guesses passwords: by address, for attempts on one account come from many.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/net/address.h"

namespace facteur::auth {

/// Counts failed logins of each address (IPv6: each /64, which one customer has) within a window.
class Throttle {
 public:
  struct Limits {
    Milliseconds delay{2000};       ///< before the answer to a failure
    Milliseconds max_delay{15000};  ///< the longest such delay
    std::uint64_t limit = 30;       ///< failures after which attempts go one at a time
    Seconds window{600};            ///< how long a failure counts
  };
  explicit Throttle(const Limits& limits) : limits_(limits) {}

  /// How long an attempt must wait before its password is looked at: nothing, until the address has failed `limit`
  /// times; then each takes a turn of `max_delay`, so that more connections do not give more guesses. No value, and no
  /// turn is taken, when that would be more than `most`.
  [[nodiscard]] std::optional<Milliseconds> turn(const net::Ip& client, MonotonicTime now, Milliseconds most);
  /// Counts a failure; gives how long its answer is held back: `delay` for the first five, twice that for the next
  /// five, and so on.
  [[nodiscard]] Milliseconds failed(const net::Ip& client, MonotonicTime now);

  void set_limits(const Limits& limits) { limits_ = limits; }
  [[nodiscard]] std::size_t size() const { return clients_.size(); }

  static constexpr std::size_t max_clients = 50'000;
  static constexpr std::uint64_t failures_a_step = 5;

 private:
  struct Client {
    std::uint64_t failures = 0;
    MonotonicTime last;
    MonotonicTime next_turn;
  };
  Client* find(const std::string& key, MonotonicTime now);
  void make_room(MonotonicTime now);

  Limits limits_;
  std::map<std::string, Client> clients_;
};

}  // namespace facteur::auth
