// Our connections as authd counts them, with those of all other smtpd processes (smtpd_client_connection_count_limit).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "auth/doors.h"
#include "common/base/ticket.h"
#include "common/base/time.h"
#include "common/ipc/door.h"
#include "common/log/seldom.h"
#include "common/loop/loop.h"

namespace facteur::smtpd {

/// Asks authd once a connection, and tells it the end. A limit is no reason to lose mail: whom authd does not answer
/// for in time is served. A new authd is told what is served already, and asked again for who still waits.
class ConnectionCount {
 public:
  /// How long a client waits for authd's answer, or for authd.
  static constexpr Milliseconds patience{2000};

  explicit ConnectionCount(loop::Loop& loop) : loop_(loop) {}
  ConnectionCount(const ConnectionCount&) = delete;
  ConnectionCount& operator=(const ConnectionCount&) = delete;

  /// A connection; over when it is destroyed. The count must outlive it.
  class Counted {
   public:
    Counted(ConnectionCount& count, std::uint64_t id, Ticket question)
        : count_(count), id_(id), question_(std::move(question)) {}
    ~Counted() { count_.ended(id_); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

   private:
    ConnectionCount& count_;
    std::uint64_t id_;
    Ticket question_;
  };
  /// Counts a connection of this address. The callback hears, once and not before this returns, whether it may be
  /// served; not when `limit` of the address are.
  [[nodiscard]] std::unique_ptr<Counted> begin(const std::string& client_ip, std::uint64_t limit,
                                               std::function<void(bool served)> callback);

  /// Asks through this door from now on. It must live until the next call of this or of lost().
  void use(ipc::Door& door);
  /// There is no door.
  void lost();

 private:
  struct Open {
    std::string client_ip;
    std::uint64_t limit = 0;
    Answer<bool> answer;
    Ticket patience;  ///< while there is no answer
  };

  void ended(std::uint64_t id);
  void answered(const auth::ConnectionCounted& reply);
  void serve_uncounted(std::uint64_t id);
  void ask_for(std::uint64_t id, const Open& open);
  void tell_what_is_served();

  loop::Loop& loop_;
  ipc::Door* door_ = nullptr;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Open> open_;  ///< but for those that were refused
  log::Seldom told_;
};

}  // namespace facteur::smtpd
