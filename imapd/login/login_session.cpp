#include "imapd/login/login_session.h"

#include <algorithm>
#include <utility>

#include "common/base/result.h"
#include "common/base/strings.h"
#include "common/login/foreign.h"
#include "imapd/wire/capabilities.h"
#include "imapd/wire/id.h"

namespace facteur::imapd {

using login::SaslEvent;

const std::array<LoginSession::Verb, 7> LoginSession::verbs{{
    // name, gives a password, handler                                 RFC 3501 unless said
    {"CAPABILITY", false, &LoginSession::capability},     // 6.1.1
    {"NOOP", false, &LoginSession::noop},                 // 6.1.2
    {"LOGOUT", false, &LoginSession::logout},             // 6.1.3
    {"ID", false, &LoginSession::id},                     // RFC 2971
    {"STARTTLS", false, &LoginSession::starttls},         // 6.2.1
    {"AUTHENTICATE", true, &LoginSession::authenticate},  // 6.2.2, RFC 4959
    {"LOGIN", true, &LoginSession::login},                // 6.2.3
}};

LoginSession::LoginSession(login::Authenticator& authenticator, login::Options options)
    : LoginEngine(authenticator, std::move(options)),
      reader_(limits_before_login, [this](std::string_view text) { return plan_literal(text); }) {
}

void LoginSession::greet() {
  say(response("*", ok(options().hostname + " Facteur IMAP ready", "CAPABILITY " + capabilities())));
}

/// The list differs with and without TLS: a name that gives a password is offered only where it is taken (RFC 3501
/// section 11.1).
std::string LoginSession::capabilities() const {
  std::string out(capabilities_before_login);
  if (options().tls_offered && !options().tls_active) out += " STARTTLS";
  if (!may_log_in()) return out + " LOGINDISABLED";
  for (const auto& mechanism : options().mechanisms) out.append(" AUTH=").append(mechanism);
  return out;
}

/// False when octets are missing.
bool LoginSession::next_command() {
  auto event = reader_.next();
  if (std::holds_alternative<CommandReader::More>(event)) return false;
  if (std::holds_alternative<CommandReader::Continue>(event)) say("+ OK\r\n");
  if (const auto* command = std::get_if<Command>(&event)) dispatch(*command);
  if (const auto* refused = std::get_if<CommandReader::Refused>(&event)) {
    tag_ = tag_of(refused->text);
    answer(refused->reply);
  }
  if (const auto* overflow = std::get_if<CommandReader::Overflow>(&event)) {
    say(response("*", overflow->reply));
    bye("Protocol error");
  }
  return true;
}

bool LoginSession::next_sasl_line() {
  const auto line = reader_.next_line(login::max_sasl_line);
  if (std::holds_alternative<CommandReader::More>(line)) return false;
  if (std::holds_alternative<CommandReader::Overflow>(line)) {
    answer(bad("Line too long"));
    bye("Protocol error");
  } else if (const auto event = sasl().line(std::get<std::string>(line))) {
    on_sasl(*event);
  }
  return true;
}

void LoginSession::dispatch(const Command& command) {
  tag_ = tag_of(command.text);
  if (too_many_commands()) return bye("Too many commands without login");
  if (at_first_command() && login::is_foreign_line(command.text)) return bye("This is IMAP");
  if (command.text.empty()) return answer(bad("Empty command"));
  if (command.has_nul()) return answer(bad("NUL in a command"));
  if (command.bare_lf) return answer(bad("Lines end with CR LF"));
  Parser parser(command.text);
  const auto verb = legal_verb(parser);
  if (!verb) return answer(verb.error());
  (this->*(*verb)->handle)(parser);
  if (!parser) answer(parser.fault());
}

/// Takes the tag and the name of a command that may come now.
std::expected<const LoginSession::Verb*, Reply> LoginSession::legal_verb(Parser& parser) const {
  (void)parser.tag();
  parser.space();
  const auto name = parser.atom("command");
  if (!parser) return std::unexpected(parser.fault());
  const auto known = std::ranges::find_if(verbs, [&](const auto& verb) { return iequals(verb.name, name); });
  if (known == verbs.end()) return std::unexpected(bad("Unknown command, or one that needs a login first"));
  if (known->gives_password && !may_log_in()) {
    return std::unexpected(no("Not without TLS: send STARTTLS first", "PRIVACYREQUIRED"));
  }
  return &*known;
}

/// A password is not asked for when it would be refused.
LiteralPlan LoginSession::plan_literal(std::string_view text) const {
  Parser parser(text);
  const auto verb = legal_verb(parser);
  if (!verb) return {0, false, verb.error()};
  return {limits_before_login.literal, false, {}};
}

void LoginSession::capability(Parser& arguments) {
  arguments.end();
  if (!arguments) return;
  say("* CAPABILITY " + capabilities() + "\r\n");
  answer(ok("Capabilities listed"));
}

void LoginSession::noop(Parser& arguments) {
  arguments.end();
  if (arguments) answer(ok("Nothing done"));
}

void LoginSession::logout(Parser& arguments) {
  arguments.end();
  if (!arguments) return;
  bye("Logging out");
  answer(ok("Logged out"));
}

void LoginSession::id(Parser& arguments) {
  parse_id(arguments);
  if (!arguments) return;
  say(id_response);
  answer(ok("Pleased to meet you"));
}

/// What the client sent behind STARTTLS in clear would be answered inside TLS, so nothing may be there.
void LoginSession::starttls(Parser& arguments) {
  arguments.end();
  if (!arguments) return;
  if (!options().tls_offered || options().tls_active) return answer(bad("TLS is not available now"));
  if (!reader_.waiting().empty()) {
    answer(bad("Nothing may follow STARTTLS before the handshake"));
    return bye("Protocol error");
  }
  answer(ok("Begin TLS negotiation"));
  start_tls();
}

void LoginSession::login(Parser& arguments) {
  arguments.space();
  const auto user = arguments.astring();
  arguments.space();
  const auto password = arguments.astring();
  arguments.end();
  if (!arguments) return;
  auto message = login::plain_message(user, password);
  if (!message) return refuse_login(no("Authentication failed", "AUTHENTICATIONFAILED"));
  sasl().start_plain(std::move(*message));
}

void LoginSession::authenticate(Parser& arguments) {
  arguments.space();
  const auto mechanism = arguments.atom("mechanism");
  std::optional<std::string_view> initial;
  if (arguments.take(' ')) {
    initial = arguments.run([](char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; }, "initial response");
  }
  arguments.end();
  if (!arguments) return;
  if (!knows(mechanism)) return answer(no("Unknown mechanism", "CANNOT"));
  if (initial && initial->size() > login::max_sasl_line) return answer(bad("Response too long"));
  if (const auto event = sasl().start(mechanism, initial)) on_sasl(*event);
}

void LoginSession::on_sasl(const SaslEvent& event) {
  switch (event.type) {
    case SaslEvent::Type::challenge: say("+ " + event.challenge + "\r\n"); return;
    case SaslEvent::Type::denied: return refuse_login(no("Authentication failed", "AUTHENTICATIONFAILED"));
    case SaslEvent::Type::cancelled: return answer(bad("Authentication cancelled"));
    case SaslEvent::Type::malformed: return answer(bad("Malformed response"));
    case SaslEvent::Type::unavailable: return answer(no("Authentication is not available now", "UNAVAILABLE"));
    case SaslEvent::Type::granted: grant(event.granted);
  }
}

void LoginSession::handover_failed() {
  answer(no("The mailboxes cannot be opened now; try again later", "UNAVAILABLE"));
  bye("Try again later");
}

/// RFC 5530 section 3, LIMIT.
void LoginSession::too_many_sessions(std::string_view text) {
  answer(no(std::string(text), "LIMIT"));
  bye("Too many sessions");
}

void LoginSession::expire() {
  if (open()) bye("No login for too long");
  close();
}

void LoginSession::shut_down() {
  if (open()) bye("Server shutting down");
  close();
}

void LoginSession::answer(const Reply& reply) {
  say(response(tag_, reply));
  if (reply.status == Status::bad && too_many_bad_commands()) bye("Too many bad commands");
}

void LoginSession::refuse_login(const Reply& reply) {
  answer(reply);
  if (too_many_failures()) bye("Too many failed logins");
}

void LoginSession::bye(std::string_view why) {
  if (closed()) return;
  say("* BYE " + std::string(why) + "\r\n");
  close();
}

}  // namespace facteur::imapd
