// POP3 before login: the AUTHORIZATION state of RFC 1939 section 4, with CAPA (RFC 2449), STLS (RFC 2595) and AUTH
// (RFC 5034). The reply to a good login is the worker's, which may have to say [IN-USE].
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/login/authenticator.h"
#include "common/login/engine.h"
#include "common/login/limits.h"
#include "common/login/sasl_exchange.h"
#include "pop3d/wire/command.h"

namespace facteur::pop3d {

/// One client's dialogue before login.
class LoginSession final : public login::Engine {
 public:
  LoginSession(login::Authenticator& authenticator, login::Options options);

  void greet() override;
  void feed(std::string_view octets) override;
  [[nodiscard]] std::string take_output() override;
  [[nodiscard]] login::Next next() const override;
  void tls_started() override;
  [[nodiscard]] login::Handover handover() override;
  void handover_failed() override;
  void expire() override;
  void shut_down() override;
  void on_change(std::function<void()> handler) override { changed_ = std::move(handler); }

 private:
  enum class Phase : std::uint8_t { authorization, tls, granted, closed };
  struct Command {
    std::string_view verb;
    bool has_arguments;
    void (LoginSession::*handle)(std::string_view arguments);
  };
  static const std::array<Command, 7> commands;

  void run();
  void dispatch(std::string_view line);
  void capa(std::string_view arguments);
  void user(std::string_view arguments);
  void pass(std::string_view arguments);
  void auth(std::string_view arguments);
  void stls(std::string_view arguments);
  void noop(std::string_view arguments);
  void quit(std::string_view arguments);

  [[nodiscard]] bool may_log_in() const { return options_.tls_active || options_.cleartext_allowed; }
  void on_sasl(const login::SaslEvent& event);
  void reply(std::string_view text);
  void refuse(std::string_view text);
  void refuse_login(std::string_view text);
  void close() { phase_ = Phase::closed; }

  login::Options options_;
  login::SaslExchange sasl_;
  LineReader in_;
  std::string out_;
  std::string user_;  ///< of USER, until PASS
  std::optional<login::Granted> granted_;
  std::function<void()> changed_;
  unsigned commands_ = 0;
  unsigned bad_commands_ = 0;
  unsigned failures_ = 0;
  Phase phase_ = Phase::authorization;
};

}  // namespace facteur::pop3d
