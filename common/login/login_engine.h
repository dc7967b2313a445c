// What the engines of POP3 and IMAP before login have in common: the phases of a connection, the exchange with authd,
// and what is hung up on. How commands are read and answered is the protocol's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/login/authenticator.h"
#include "common/login/engine.h"
#include "common/login/limits.h"
#include "common/login/sasl_exchange.h"

namespace facteur::login {

class LoginEngine : public Engine {
 public:
  void feed(std::string_view octets) final;
  [[nodiscard]] std::string take_output() final;
  [[nodiscard]] Next next() const final;
  void tls_started() final;
  [[nodiscard]] Handover handover() final;
  void on_change(std::function<void()> handler) final { changed_ = std::move(handler); }

 protected:
  LoginEngine(Authenticator& authenticator, Options options);

  /// Keeps octets that came.
  virtual void append(std::string_view octets) = 0;
  /// What has come and is not handled yet.
  [[nodiscard]] virtual std::string_view waiting() const = 0;
  /// Forgets what waits, and what the client said before TLS (RFC 2595 section 4).
  virtual void forget() = 0;
  /// Handles one command, or one line of a SASL exchange; false when octets are missing.
  virtual bool step() = 0;
  virtual void on_sasl(const SaslEvent& event) = 0;
  /// Of the command that logged in.
  [[nodiscard]] virtual std::string tag() const { return {}; }

  /// A password may be sent on this connection.
  [[nodiscard]] bool may_log_in() const { return options_.tls_active || options_.cleartext_allowed; }
  [[nodiscard]] bool knows(std::string_view mechanism) const;
  void start_tls() { phase_ = Phase::tls; }
  void grant(Granted granted);
  void close() { phase_ = Phase::closed; }
  [[nodiscard]] bool open() const { return phase_ == Phase::open; }
  [[nodiscard]] bool closed() const { return phase_ == Phase::closed; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] SaslExchange& sasl() { return sasl_; }
  void say(std::string_view octets) { out_ += octets; }

  /// Each counts one, and is true when there have been too many.
  [[nodiscard]] bool too_many_commands() { return ++commands_ > options_.limits.commands; }
  [[nodiscard]] bool too_many_bad_commands() { return ++bad_commands_ >= options_.limits.bad_commands; }
  [[nodiscard]] bool too_many_failures() { return ++failures_ >= options_.limits.failures; }
  [[nodiscard]] bool at_first_command() const { return commands_ == 1; }

 private:
  enum class Phase : std::uint8_t { open, tls, granted, closed };

  void run();

  Options options_;
  SaslExchange sasl_;
  std::string out_;
  std::optional<Granted> granted_;
  std::function<void()> changed_;
  unsigned commands_ = 0;
  unsigned bad_commands_ = 0;
  unsigned failures_ = 0;
  Phase phase_ = Phase::open;
};

}  // namespace facteur::login
