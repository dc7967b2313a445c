#include "pop3d/login/login_session.h"

#include <algorithm>
#include <utility>

#include "common/base/result.h"
#include "common/base/strings.h"
#include "common/login/foreign.h"
#include "pop3d/wire/capabilities.h"

namespace facteur::pop3d {

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
    : LoginEngine(authenticator, std::move(options)) {
}

/// No "<...>" in it: that would offer APOP (RFC 1939 section 7).
void LoginSession::greet() {
  reply("+OK " + options().hostname + " Facteur POP3 ready");
}

void LoginSession::forget() {
  in_.release();
  user_.clear();
}

bool LoginSession::step() {
  std::string_view line;
  const auto state = in_.next(sasl().expects_line() ? login::max_sasl_line : max_command_line, line);
  if (state == LineReader::State::incomplete) return false;
  if (state == LineReader::State::too_long) {
    reply("-ERR Line too long");
    close();
  } else if (!sasl().expects_line()) {
    dispatch(line);
  } else if (const auto event = sasl().line(line)) {
    on_sasl(*event);
  }
  return true;
}

void LoginSession::dispatch(std::string_view line) {
  if (too_many_commands()) {
    reply("-ERR Too many commands without login");
    return close();
  }
  if (at_first_command() && login::is_foreign_line(line)) {
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
  if (options().tls_offered && !options().tls_active) reply("STLS");
  if (may_log_in()) {
    tell_login_capabilities(options().mechanisms, [this](std::string_view line) { reply(line); });
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
  sasl().start_plain(std::move(*message));
}

void LoginSession::auth(std::string_view arguments) {
  if (!may_log_in()) return refuse("-ERR Not without TLS: send STLS first");
  user_.clear();
  const auto parts = words(arguments, 3);
  if (parts.empty() || parts.size() > 2) return refuse("-ERR AUTH wants a mechanism and at most one response");
  if (!knows(parts[0])) return refuse("-ERR Unknown mechanism");
  const auto initial = parts.size() == 2 ? std::optional(parts[1]) : std::nullopt;
  if (const auto event = sasl().start(parts[0], initial)) on_sasl(*event);
}

/// STLS: what the client sent behind it in clear would be answered inside TLS, so nothing may be there.
void LoginSession::stls(std::string_view) {
  if (!options().tls_offered || options().tls_active) return refuse("-ERR TLS is not available now");
  if (!in_.empty()) {
    reply("-ERR Nothing may follow STLS before the handshake");
    return close();
  }
  reply("+OK Begin TLS negotiation");
  start_tls();
}

void LoginSession::noop(std::string_view) {
  reply("+OK");
}

void LoginSession::quit(std::string_view) {
  reply("+OK Bye");
  close();
}

void LoginSession::on_sasl(const SaslEvent& event) {
  switch (event.type) {
    case SaslEvent::Type::challenge: return reply("+ " + event.challenge);
    case SaslEvent::Type::denied: return refuse_login("-ERR [AUTH] Authentication failed");
    case SaslEvent::Type::cancelled: return refuse("-ERR Authentication cancelled");
    case SaslEvent::Type::malformed: return refuse("-ERR Malformed response");
    case SaslEvent::Type::unavailable:
      return refuse("-ERR [SYS/TEMP] Authentication is not available, try again later");
    case SaslEvent::Type::granted: grant(event.granted);
  }
}

void LoginSession::handover_failed() {
  reply("-ERR [SYS/TEMP] [UNAVAILABLE] The mailbox cannot be opened now, try again later");
  close();
}

/// RFC 2449 section 8.1.2 has no nearer code than IN-USE.
void LoginSession::too_many_sessions(std::string_view text) {
  reply("-ERR [IN-USE] " + std::string(text));
  close();
}

/// A connection that times out is closed without a word (RFC 1939 section 3).
void LoginSession::expire() {
  close();
}

void LoginSession::shut_down() {
  if (open()) reply("-ERR [SYS/TEMP] Server shutting down");
  close();
}

void LoginSession::reply(std::string_view text) {
  say(text);
  say("\r\n");
}

void LoginSession::refuse(std::string_view text) {
  if (!too_many_bad_commands()) return reply(text);
  reply("-ERR Too many bad commands");
  close();
}

void LoginSession::refuse_login(std::string_view text) {
  reply(text);
  if (too_many_failures()) close();
}

}  // namespace facteur::pop3d
