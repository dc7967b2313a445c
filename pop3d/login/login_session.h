// POP3 before login: the AUTHORIZATION state of RFC 1939 section 4, with CAPA (RFC 2449), STLS (RFC 2595) and AUTH
// (RFC 5034). The reply to a good login is the worker's, which may have to say [IN-USE].
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "common/login/login_engine.h"
#include "pop3d/wire/command.h"

namespace facteur::pop3d {

/// One client's dialogue before login.
class LoginSession final : public login::LoginEngine {
 public:
  LoginSession(login::Authenticator& authenticator, login::Options options);

  void greet() override;
  void handover_failed() override;
  void too_many_sessions(std::string_view text) override;
  void expire() override;
  void shut_down() override;

 private:
  struct Command {
    std::string_view verb;
    bool has_arguments;
    void (LoginSession::*handle)(std::string_view arguments);
  };
  static const std::array<Command, 7> commands;

  void append(std::string_view octets) override { in_.append(octets); }
  [[nodiscard]] std::string_view waiting() const override { return in_.rest(); }
  void forget() override;
  bool step() override;
  void on_sasl(const login::SaslEvent& event) override;
  void dispatch(std::string_view line);
  void capa(std::string_view arguments);
  void user(std::string_view arguments);
  void pass(std::string_view arguments);
  void auth(std::string_view arguments);
  void stls(std::string_view arguments);
  void noop(std::string_view arguments);
  void quit(std::string_view arguments);

  void reply(std::string_view text);
  void refuse(std::string_view text);
  void refuse_login(std::string_view text);

  LineReader in_;
  std::string user_;  ///< of USER, until PASS
};

}  // namespace facteur::pop3d
