// The door to authd as the login engines see it: many attempts at once, each with an id. Whatever goes wrong with the
// door, an answer that is late, unknown or malformed included, is Unavailable: never a success, never a wrong password.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "auth/doors.h"
#include "common/base/ticket.h"
#include "common/base/time.h"
#include "common/ipc/door.h"
#include "common/login/authenticator.h"
#include "common/loop/loop.h"

namespace facteur::login {

/// Who asks: told to authd for its limits and its log.
struct Asker {
  std::string client_ip;
  bool tls = false;
};

class AuthClient {
 public:
  /// `patience` is how long an answer may take.
  AuthClient(loop::Loop& loop, auth::Service service, Milliseconds patience);
  ~AuthClient();
  AuthClient(const AuthClient&) = delete;
  AuthClient& operator=(const AuthClient&) = delete;

  /// Asks through this door from now on. What was pending on an earlier one is Unavailable.
  void use(std::unique_ptr<ipc::Door> door);
  /// An Authenticator of one connection. `asker` is looked at with each start(); it and this must outlive the result.
  [[nodiscard]] std::unique_ptr<Authenticator> authenticator(const Asker& asker);

 private:
  class Attempts;
  [[nodiscard]] Ticket await(std::uint64_t id, Authenticator::Callback callback, bool sent);
  void reply(auth::SaslReply reply);
  void answer(std::uint64_t id, Verdict verdict);
  void fail_all();

  loop::Loop& loop_;
  auth::Service service_;
  Milliseconds patience_;
  std::unique_ptr<ipc::Door> door_;
  std::unordered_map<std::uint64_t, Answer<Verdict>> answers_;
  std::uint64_t last_id_ = 0;
  std::uint64_t door_number_ = 0;  ///< an attempt begun on an earlier door cannot go on
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace facteur::login
