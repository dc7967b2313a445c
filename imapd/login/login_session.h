// IMAP before login: the not authenticated state of RFC 3501 section 6.2, with ID (RFC 2971), SASL-IR (RFC 4959) and
// LITERAL+ (RFC 7888). The tagged OK of a good login is the worker's, which may fail to open the mail.
#pragma once

#include <array>
#include <expected>
#include <string>
#include <string_view>

#include "common/login/login_engine.h"
#include "imapd/wire/command_reader.h"
#include "imapd/wire/parser.h"

namespace facteur::imapd {

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
  struct Verb {
    std::string_view name;
    bool gives_password;  ///< refused where a password may not be sent
    void (LoginSession::*handle)(Parser& arguments);
  };
  static const std::array<Verb, 7> verbs;

  void append(std::string_view octets) override { reader_.append(octets); }
  [[nodiscard]] std::string_view waiting() const override { return reader_.waiting(); }
  void forget() override { reader_.clear(); }
  bool step() override { return sasl().expects_line() ? next_sasl_line() : next_command(); }
  void on_sasl(const login::SaslEvent& event) override;
  [[nodiscard]] std::string tag() const override { return tag_; }
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

  [[nodiscard]] std::string capabilities() const;
  void answer(const Reply& reply);
  void refuse_login(const Reply& reply);
  void bye(std::string_view why);

  CommandReader reader_;
  std::string tag_ = "*";  ///< of the command at work
};

}  // namespace facteur::imapd
