#include "imapd/login/login_session.h"

#include <algorithm>
#include <utility>

#include "common/base/result.h"
#include "common/base/strings.h"
#include "common/login/foreign.h"
#include "imapd/wire/capabilities.h"
#include "imapd/wire/id.h"

namespace facteur::imapd {

using login::Next;
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
    : options_(std::move(options)),
      sasl_(authenticator,
            [this](const SaslEvent& event) {
              on_sasl(event);
              run();
              if (changed_) changed_();
            }),
      reader_(limits_before_login, [this](std::string_view text) { return plan_literal(text); }) {
}

void LoginSession::greet() {
  out_ += response("*", ok(options_.hostname + " Facteur IMAP ready", "CAPABILITY " + capabilities()));
}

/// The list differs with and without TLS: a name that gives a password is offered only where it is taken (RFC 3501
/// section 11.1).
std::string LoginSession::capabilities() const {
  std::string out(capabilities_before_login);
  if (options_.tls_offered && !options_.tls_active) out += " STARTTLS";
  if (!may_log_in()) return out + " LOGINDISABLED";
  for (const auto& mechanism : options_.mechanisms) out.append(" AUTH=").append(mechanism);
  return out;
}

void LoginSession::feed(std::string_view octets) {
  if (phase_ == Phase::closed) return;
  // Octets behind STARTTLS and before the handshake were not sent by who will speak inside it (CVE-2021-33515).
  if (phase_ == Phase::tls) {
    phase_ = Phase::closed;
    return;
  }
  const bool first = commands_ == 0 && reader_.waiting().empty();
  if (first && login::is_foreign_start(octets)) {
    phase_ = Phase::closed;
    return;
  }
  reader_.append(octets);
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
    case Phase::not_authenticated: break;
  }
  return sasl_.waiting() ? Next::wait : Next::input;
}

/// Handles what is there until authd is asked or octets are missing: a loop, so that a client may pipeline.
void LoginSession::run() {
  while (phase_ == Phase::not_authenticated && !sasl_.waiting()) {
    if (!(sasl_.expects_line() ? next_sasl_line() : next_command())) return;
  }
}

/// False when octets are missing.
bool LoginSession::next_command() {
  auto event = reader_.next();
  if (std::holds_alternative<CommandReader::More>(event)) return false;
  if (std::holds_alternative<CommandReader::Continue>(event)) out_ += "+ OK\r\n";
  if (const auto* command = std::get_if<Command>(&event)) dispatch(*command);
  if (const auto* refused = std::get_if<CommandReader::Refused>(&event)) {
    tag_ = tag_of(refused->text);
    answer(refused->reply);
  }
  if (const auto* overflow = std::get_if<CommandReader::Overflow>(&event)) {
    out_ += response("*", overflow->reply);
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
  } else if (const auto event = sasl_.line(std::get<std::string>(line))) {
    on_sasl(*event);
  }
  return true;
}

void LoginSession::dispatch(const Command& command) {
  tag_ = tag_of(command.text);
  if (++commands_ > options_.limits.commands) return bye("Too many commands without login");
  if (commands_ == 1 && login::is_foreign_line(command.text)) return bye("This is IMAP");
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
  out_ += "* CAPABILITY " + capabilities() + "\r\n";
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
  out_ += id_response;
  answer(ok("Pleased to meet you"));
}

/// What the client sent behind STARTTLS in clear would be answered inside TLS, so nothing may be there.
void LoginSession::starttls(Parser& arguments) {
  arguments.end();
  if (!arguments) return;
  if (!options_.tls_offered || options_.tls_active) return answer(bad("TLS is not available now"));
  if (!reader_.waiting().empty()) {
    answer(bad("Nothing may follow STARTTLS before the handshake"));
    return bye("Protocol error");
  }
  answer(ok("Begin TLS negotiation"));
  phase_ = Phase::tls;
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
  sasl_.start_plain(std::move(*message));
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
  if (std::ranges::none_of(options_.mechanisms, [&](const auto& name) { return iequals(name, mechanism); })) {
    return answer(no("Unknown mechanism", "CANNOT"));
  }
  if (initial && initial->size() > login::max_sasl_line) return answer(bad("Response too long"));
  if (const auto event = sasl_.start(mechanism, initial)) on_sasl(*event);
}

void LoginSession::tls_started() {
  check(phase_ == Phase::tls, "TLS started without STARTTLS");
  reader_.clear();
  options_.tls_active = true;
  phase_ = Phase::not_authenticated;
}

void LoginSession::on_sasl(const SaslEvent& event) {
  switch (event.type) {
    case SaslEvent::Type::challenge: out_ += "+ " + event.challenge + "\r\n"; return;
    case SaslEvent::Type::denied: return refuse_login(no("Authentication failed", "AUTHENTICATIONFAILED"));
    case SaslEvent::Type::cancelled: return answer(bad("Authentication cancelled"));
    case SaslEvent::Type::malformed: return answer(bad("Malformed response"));
    case SaslEvent::Type::unavailable: return answer(no("Authentication is not available now", "UNAVAILABLE"));
    case SaslEvent::Type::granted: granted_ = event.granted; phase_ = Phase::granted;
  }
}

login::Handover LoginSession::handover() {
  check(phase_ == Phase::granted && granted_, "handed over before the login");
  login::Handover handover{granted_->ticket, granted_->user, tag_, std::string(reader_.waiting())};
  granted_.reset();
  reader_.clear();
  return handover;
}

void LoginSession::handover_failed() {
  answer(no("The mailboxes cannot be opened now; try again later", "UNAVAILABLE"));
  bye("Try again later");
}

void LoginSession::expire() {
  if (phase_ == Phase::not_authenticated) bye("No login for too long");
  phase_ = Phase::closed;
}

void LoginSession::shut_down() {
  if (phase_ == Phase::not_authenticated) bye("Server shutting down");
  phase_ = Phase::closed;
}

void LoginSession::answer(const Reply& reply) {
  out_ += response(tag_, reply);
  if (reply.status == Status::bad && ++bad_commands_ >= options_.limits.bad_commands) bye("Too many bad commands");
}

void LoginSession::refuse_login(const Reply& reply) {
  answer(reply);
  if (++failures_ >= options_.limits.failures) bye("Too many failed logins");
}

void LoginSession::bye(std::string_view why) {
  if (phase_ == Phase::closed) return;
  out_.append("* BYE ").append(why).append("\r\n");
  phase_ = Phase::closed;
}

}  // namespace facteur::imapd
