// The door to authd: logins, accounts, counted connections, and the tables it sends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "auth/doors.h"
#include "common/ipc/door.h"
#include "common/login/authenticator.h"
#include "common/loop/loop.h"
#include "common/route/tables.h"
#include "smtpd/policy/facts.h"
#include "smtpd/server/connection_count.h"

namespace facteur::smtpd {

/// Questions to authd. What is open when the door breaks is answered as a temporary failure; an answer that nobody
/// asked for is passed over.
class AuthDoor {
 public:
  explicit AuthDoor(loop::Loop& loop) : loop_(loop), connections_(loop) {}

  void connect(std::unique_ptr<ipc::Door> door);
  /// Called with the tables at the start and at each change.
  void on_tables(std::function<void(route::Tables)> handler) { on_tables_ = std::move(handler); }

  /// A number for one attempt to log in.
  [[nodiscard]] std::uint64_t next_id() { return ++last_id_; }
  [[nodiscard]] Ticket sasl_start(auth::SaslStart message, std::function<void(login::Verdict)> callback);
  [[nodiscard]] Ticket sasl_step(auth::SaslStep message, std::function<void(login::Verdict)> callback);
  void sasl_cancel(std::uint64_t id);
  /// Is there an account of this name?
  [[nodiscard]] Ticket exists(const std::string& account, std::function<void(Mailbox)> callback);
  /// Of all smtpd processes, by client.
  [[nodiscard]] ConnectionCount& connections() { return connections_; }

 private:
  void broken();
  void sasl_reply(const auth::SaslReply& reply);
  void account_answer(const auth::AccountAnswer& reply);
  void new_tables(const auth::NewTables& message);
  template <class Message, class Value, class Map>
  Ticket send(Message message, Map& pending, Value if_closed, std::function<void(Value)> callback);

  loop::Loop& loop_;
  std::unique_ptr<ipc::Door> door_;
  ConnectionCount connections_;
  std::function<void(route::Tables)> on_tables_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, Answer<login::Verdict>> logins_;
  std::unordered_map<std::uint64_t, Answer<Mailbox>> accounts_;
};

/// One connection's logins.
class AuthdLogin final : public login::Authenticator {
 public:
  AuthdLogin(AuthDoor& door, std::string client_ip) : door_(door), client_ip_(std::move(client_ip)) {}
  ~AuthdLogin() override { cancel(); }
  AuthdLogin(const AuthdLogin&) = delete;
  AuthdLogin& operator=(const AuthdLogin&) = delete;

  void tls_started() { tls_ = true; }
  [[nodiscard]] Ticket start(std::string_view mechanism, std::optional<std::string> initial,
                             Callback callback) override;
  [[nodiscard]] Ticket step(std::string response, Callback callback) override;
  void cancel() override;

 private:
  AuthDoor& door_;
  std::string client_ip_;
  bool tls_ = false;
  std::uint64_t attempt_ = 0;
};

}  // namespace facteur::smtpd
