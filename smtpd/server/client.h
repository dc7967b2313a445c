// One client's connection: the session engine between a socket and the doors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/dns/resolver.h"
#include "common/loop/loop.h"
#include "common/tls/connection.h"
#include "smtpd/server/auth_door.h"
#include "smtpd/server/listener.h"
#include "smtpd/server/request_deadline.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {

/// What connections share.
struct Surroundings {
  loop::Loop& loop;
  dns::Resolver* resolver;  ///< none: client names are unknown
  AuthDoor& authd;
  Recipients& recipients;
  Queue& queue;
};

/// From accept to close: has the connection counted, finds the client's name, shakes hands where TLS comes first, runs
/// the session, keeps its times.
class Client {
 public:
  /// `gone` is called once, from the loop, when the connection is over; then the client is to be destroyed.
  Client(const Surroundings& surroundings, std::shared_ptr<const Listener> listener, Fd socket, ClientFacts facts,
         std::function<void()> gone);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Serves the client, unless authd says that its address has too many connections.
  void start();
  /// Refuses with one reply (421) and closes; instead of start().
  void refuse(const smtp::Reply& reply);
  /// 421 as soon as no message is under way.
  void shut_down();
  [[nodiscard]] bool is_local() const { return facts_.role == Role::local; }
  [[nodiscard]] std::string caller() const { return caller_of(facts_); }
  /// Whose connections are counted together: those of an address, on the submit socket those of a user.
  [[nodiscard]] static std::string caller_of(const ClientFacts& facts) {
    return facts.role == Role::local ? "uid " + std::to_string(facts.uid) : facts.ip.to_string();
  }

  /// Output that a client does not read, before we read no more of it.
  static constexpr std::size_t max_unsent = 256 * 1024;
  /// How long a client may take to read our last reply.
  static constexpr Milliseconds linger{3000};

 private:
  void named(std::string name);
  void counted(bool may_be_served);
  void say_refused(const smtp::Reply& reply);
  void begin();
  void greet();
  void received(std::string_view octets);
  void pump();
  void obey(Next next);
  void start_tls(std::function<void()> then);
  void resume_later();
  void keep_time();
  void check_time();
  void close();
  void finish();

  const Surroundings& around_;
  std::shared_ptr<const Listener> listener_;
  const Limits& limits_;
  ClientFacts facts_;
  std::function<void()> gone_;
  AuthdLogin login_;
  tls::Connection connection_;
  std::optional<Session> session_;
  RequestDeadline deadline_;
  MonotonicTime timer_end_{};
  loop::Timer timer_;  ///< the deadline of the request, the handshake, or the close
  loop::Timer pause_;  ///< smtpd_error_sleep_time
  Ticket name_;
  std::unique_ptr<ConnectionCount::Counted> counted_;  ///< what authd knows of it
  bool is_named_ = false;                              ///< the greeting waits for both
  bool is_counted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool shaking_hands_ = false;
  bool closing_ = false;
  bool peer_ended_ = false;
  bool finished_ = false;
  bool pumping_ = false;
};

}  // namespace facteur::smtpd
