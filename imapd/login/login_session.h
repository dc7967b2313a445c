// IMAP before login: the not authenticated state of RFC 3501 section 6.2, with ID (RFC 2971), SASL-IR (RFC 4959) and
// LITERAL+ (RFC 7888). The tagged OK of a good login is the worker's, which may fail to open the mail.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/login/authenticator.h"
#include "common/login/engine.h"
#include "common/login/limits.h"
#include "common/login/sasl_exchange.h"
#include "imapd/wire/command_reader.h"
#include "imapd/wire/parser.h"

namespace facteur::imapd {

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
  enum class Phase : std::uint8_t { not_authenticated, tls, granted, closed };
  struct Verb {
    std::string_view name;
    bool gives_password;  ///< refused where a password may not be sent
    void (LoginSession::*handle)(Parser& arguments);
  };
  static const std::array<Verb, 7> verbs;

  void run();
  bool next_command();
  bool next_sasl_line();
  void dispatch(const Command& command);
  [[nodiscard]] std::expected<const Verb*, Reply> legal_verb(Parser& parser) const;
  [[nodiscard]] LiteralPlan plan_literal(std::string_view text) const;
  void capability(Parser& arguments);
  void noop(Parser& arguments);
  void logout(Parser& arguments);
  void id(Parser& arguments);
  void starttls(Parser& arguments);
  void login(Parser& arguments);
  void authenticate(Parser& arguments);

  [[nodiscard]] bool may_log_in() const { return options_.tls_active || options_.cleartext_allowed; }
  [[nodiscard]] std::string capabilities() const;
  void on_sasl(const login::SaslEvent& event);
  void answer(const Reply& reply);
  void refuse_login(const Reply& reply);
  void bye(std::string_view why);

  login::Options options_;
  login::SaslExchange sasl_;
  CommandReader reader_;
  std::string out_;
  std::string tag_ = "*";  ///< of the command at work
  std::optional<login::Granted> granted_;
  std::function<void()> changed_;
  unsigned commands_ = 0;
  unsigned bad_commands_ = 0;
  unsigned failures_ = 0;
  Phase phase_ = Phase::not_authenticated;
};

}  // namespace facteur::imapd
