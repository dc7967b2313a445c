#include "pop3d/login/login_session.h"

#include <algorithm>
#include <utility>

#include "common/base/result.h"
#include "common/base/strings.h"
#include "common/login/foreign.h"
#include "pop3d/wire/capabilities.h"

namespace facteur::pop3d {

using login::Next;
using login::SaslEvent;

// NOOP belongs to the TRANSACTION state, but costs nothing here and keeps impatient clients content.
const std::array<LoginSession::Command, 7> LoginSession::commands{{
    // verb, takes arguments, handler
    {"CAPA", false, &LoginSession::capa},  // RFC 2449 section 5
    {"USER", true, &LoginSession::user},   // RFC 1939 section 7
    {"PASS", true, &LoginSession::pass},   // RFC 1939 section 7
    {"AUTH", true, &LoginSession::auth},   // RFC 5034 section 4
    {"STLS", false, &LoginSession::stls},  // RFC 2595 section 4
    {"NOOP", false, &LoginSession::noop},
    {"QUIT", false, &LoginSession::quit},  // RFC 1939 section 4
}};

LoginSession::LoginSession(login::Authenticator& authenticator, login::Options options)
    : options_(std::move(options)), sasl_(authenticator, [this](const SaslEvent& event) {
        on_sasl(event);
        run();
        if (changed_) changed_();
      }) {
}

/// No "<...>" in it: that would offer APOP (RFC 1939 section 7).
void LoginSession::greet() {
  reply("+OK " + options_.hostname + " Facteur POP3 ready");
}

void LoginSession::feed(std::string_view octets) {
  if (phase_ == Phase::closed) return;
  // Octets behind STLS and before the handshake were not sent by who will speak inside it (CVE-2021-33515).
  if (phase_ == Phase::tls) return close();
  if (commands_ == 0 && in_.empty() && login::is_foreign_start(octets)) return close();
  in_.append(octets);
  run();
}

std::string LoginSession::take_output() {
  return std::exchange(out_, {});
}

Next LoginSession::next() const {
  switch (phase_) {
    case Phase::tls: return Next::tls;
    case Phase::granted: return Next::hand_over;
    case Phase::closed: return Next::close;
    case Phase::authorization: break;
  }
  return sasl_.waiting() ? Next::wait : Next::input;
}

/// Handles buffered lines until one has to wait for authd: a loop, so that a client may pipeline what it likes.
void LoginSession::run() {
  while (phase_ == Phase::authorization && !sasl_.waiting()) {
    std::string_view line;
    const auto state = in_.next(sasl_.expects_line() ? login::max_sasl_line : max_command_line, line);
    if (state == LineReader::State::incomplete) return;
    if (state == LineReader::State::too_long) {
      reply("-ERR Line too long");
      return close();
    }
    if (!sasl_.expects_line()) {
      dispatch(line);
    } else if (const auto event = sasl_.line(line)) {
      on_sasl(*event);
    }
  }
}

void LoginSession::dispatch(std::string_view line) {
  if (++commands_ > options_.limits.commands) {
    reply("-ERR Too many commands without login");
    return close();
  }
  if (commands_ == 1 && login::is_foreign_line(line)) {
    reply("-ERR This is POP3");
    return close();
  }
  const auto command = parse_command(line);
  if (!command) return refuse("-ERR Malformed command");
  const auto known = std::ranges::find_if(commands, [&](const auto& c) { return iequals(c.verb, command->verb); });
  if (known == commands.end()) return refuse("-ERR Unknown command");
  if (!known->has_arguments && !trim(command->arguments).empty()) return refuse("-ERR No argument allowed");
  (this->*known->handle)(command->arguments);
}

/// CAPA: the list differs before and after STLS (RFC 2595 section 4).
void LoginSession::capa(std::string_view) {
  reply("+OK Capability list follows");
  for (const auto capability : common_capabilities) reply(capability);
  if (options_.tls_offered && !options_.tls_active) reply("STLS");
  if (may_log_in()) {
    reply("USER");
    reply("SASL " + join(options_.mechanisms, " "));
  }
  reply(".");
}

void LoginSession::user(std::string_view arguments) {
  if (!may_log_in()) return refuse("-ERR Not without TLS: send STLS first");
  if (arguments.empty() || arguments.find_first_of(" \t") != std::string_view::npos) {
    return refuse("-ERR USER wants one name");
  }
  user_ = arguments;
  reply("+OK Send PASS");
}

/// PASS: all behind the first space is the password, spaces included (RFC 1939 section 7).
void LoginSession::pass(std::string_view arguments) {
  if (!may_log_in()) return refuse("-ERR Not without TLS: send STLS first");
  if (user_.empty()) return refuse("-ERR Send USER first");
  auto message = login::plain_message(std::exchange(user_, {}), arguments);
  if (!message) return refuse_login("-ERR [AUTH] Authentication failed");
  sasl_.start_plain(std::move(*message));
}

void LoginSession::auth(std::string_view arguments) {
  if (!may_log_in()) return refuse("-ERR Not without TLS: send STLS first");
  user_.clear();
  const auto parts = words(arguments, 3);
  if (parts.empty() || parts.size() > 2) return refuse("-ERR AUTH wants a mechanism and at most one response");
  if (std::ranges::none_of(options_.mechanisms, [&](const auto& name) { return iequals(name, parts[0]); })) {
    return refuse("-ERR Unknown mechanism");
  }
  const auto initial = parts.size() == 2 ? std::optional(parts[1]) : std::nullopt;
  if (const auto event = sasl_.start(parts[0], initial)) on_sasl(*event);
}

/// STLS: what the client sent behind it in clear would be answered inside TLS, so nothing may be there.
void LoginSession::stls(std::string_view) {
  if (!options_.tls_offered || options_.tls_active) return refuse("-ERR TLS is not available now");
  if (!in_.empty()) {
    reply("-ERR Nothing may follow STLS before the handshake");
    return close();
  }
  reply("+OK Begin TLS negotiation");
  phase_ = Phase::tls;
}

void LoginSession::noop(std::string_view) {
  reply("+OK");
}

void LoginSession::quit(std::string_view) {
  reply("+OK Bye");
  close();
}

void LoginSession::tls_started() {
  check(phase_ == Phase::tls, "TLS started without STLS");
  in_.release();
  user_.clear();
  options_.tls_active = true;
  phase_ = Phase::authorization;
}

void LoginSession::on_sasl(const SaslEvent& event) {
  switch (event.type) {
    case SaslEvent::Type::challenge: return reply("+ " + event.challenge);
    case SaslEvent::Type::denied: return refuse_login("-ERR [AUTH] Authentication failed");
    case SaslEvent::Type::cancelled: return refuse("-ERR Authentication cancelled");
    case SaslEvent::Type::malformed: return refuse("-ERR Malformed response");
    case SaslEvent::Type::unavailable:
      return refuse("-ERR [SYS/TEMP] Authentication is not available, try again later");
    case SaslEvent::Type::granted: granted_ = event.granted; phase_ = Phase::granted;
  }
}

login::Handover LoginSession::handover() {
  check(phase_ == Phase::granted && granted_, "handed over before the login");
  login::Handover handover{granted_->ticket, granted_->user, "", std::string(in_.rest())};
  granted_.reset();
  in_.release();
  return handover;
}

void LoginSession::handover_failed() {
  reply("-ERR [SYS/TEMP] [UNAVAILABLE] The mailbox cannot be opened now, try again later");
  close();
}

/// A connection that times out is closed without a word (RFC 1939 section 3).
void LoginSession::expire() {
  close();
}

void LoginSession::shut_down() {
  if (phase_ == Phase::authorization) reply("-ERR [SYS/TEMP] Server shutting down");
  close();
}

void LoginSession::reply(std::string_view text) {
  out_.append(text).append("\r\n");
}

void LoginSession::refuse(std::string_view text) {
  if (++bad_commands_ < options_.limits.bad_commands) return reply(text);
  reply("-ERR Too many bad commands");
  close();
}

void LoginSession::refuse_login(std::string_view text) {
  reply(text);
  if (++failures_ >= options_.limits.failures) close();
}

}  // namespace facteur::pop3d
