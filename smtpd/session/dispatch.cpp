// From a line to the handler of its verb: the command table, and what is no command.
#include <algorithm>
#include <initializer_list>

#include "common/base/strings.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {
namespace {

enum Flag : std::uint8_t {
  none = 0,
  junk = 1,        ///< does no work by itself: counted by smtpd_junk_command_limit
  before_tls = 2,  ///< legal although TLS is required and not there yet (RFC 3207 section 4)
};

/// First words of protocols that browsers and scanners are steered at us with. Their further lines are somebody else's
/// text (cross-protocol attacks, ALPACA 2021; smtpd_forbidden_commands of postconf(5)).
constexpr std::string_view foreign_verbs[] = {"CONNECT", "GET",   "POST",  "PUT",    "HEAD",     "OPTIONS",
                                              "DELETE",  "TRACE", "PATCH", "INVITE", "REGISTER", "RTSP"};

bool is_foreign(std::string_view verb) {
  return istarts_with(verb, "SSH-") || std::any_of(std::begin(foreign_verbs), std::end(foreign_verbs),
                                                   [&](auto foreign) { return iequals(verb, foreign); });
}

bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) { return is_control(c) && c != '\t'; });
}

}  // namespace

const std::array<Session::Command, Session::command_count> Session::commands{{
    // verb      legal in            flags              handler             source
    {"HELO", any_phase, junk | before_tls, &Session::helo},   // RFC 5321 section 4.1.1.1
    {"EHLO", any_phase, junk | before_tls, &Session::ehlo},   // 4.1.1.1
    {"MAIL", greeted | ready, none, &Session::mail},          // 4.1.1.2
    {"RCPT", in_mail | in_rcpt, none, &Session::rcpt},        // 4.1.1.3
    {"DATA", any_phase, none, &Session::data},                // 4.1.1.4
    {"RSET", any_phase, junk, &Session::rset},                // 4.1.1.5
    {"VRFY", any_phase, junk, &Session::vrfy},                // 4.1.1.6
    {"EXPN", any_phase, junk, &Session::expn},                // 4.1.1.7
    {"HELP", any_phase, junk, &Session::help},                // 4.1.1.8
    {"NOOP", any_phase, junk | before_tls, &Session::noop},   // 4.1.1.9
    {"QUIT", any_phase, before_tls, &Session::quit},          // 4.1.1.10
    {"STARTTLS", any_phase, before_tls, &Session::starttls},  // RFC 3207
    {"AUTH", any_phase, none, &Session::auth},                // RFC 4954
    {"BDAT", any_phase, none, &Session::bdat},                // RFC 3030, not offered
    {"ETRN", any_phase, junk, &Session::expn},                // RFC 1985, not offered
}};

Phase Session::phase() const {
  if (transaction_) return transaction_->recipients.empty() ? in_mail : in_rcpt;
  return helo_.empty() ? greeted : ready;
}

Session::Step Session::handle_line(const CommandReader::Line& line) {
  using Outcome = CommandReader::Outcome;
  if (line.outcome == Outcome::flood) {
    return Close{{421, "4.7.0", limits_.hostname + " Error: line too long"}, "endless line"};
  }
  if (line.outcome == Outcome::too_long) {
    if (exchange_.expects_line()) (void)exchange_.line("*");
    return smtp::Reply{500, "5.5.6", "Error: line too long"};
  }
  if (line.bare_lf && limits_.forbid_bare_newline == smtp::BareNewline::reject) {
    return Close{{500, "5.5.2", "Error: bare <LF> received"}, "bare <LF>"};
  }
  if (exchange_.expects_line()) return sasl(exchange_.line(line.text));
  return dispatch(line.text);
}

Session::Step Session::dispatch(std::string_view line) {
  line = trim(line);
  const auto verb = line.substr(0, line.find_first_of(" \t"));
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& command) { return iequals(command.verb, verb); });
  current_ = command_count;
  if (found == commands.end() || has_control(line)) return unknown(line);
  current_ = static_cast<std::size_t>(found - commands.begin());
  where_ = found->verb;
  if (found->flags & junk) budget_.junk();
  if (limits_.tls_required && !client_.tls && !(found->flags & before_tls)) {
    return smtp::Reply{530, "5.7.0", "Must issue a STARTTLS command first"};
  }
  if (!(found->allowed & phase())) return out_of_order(*found);
  return (this->*found->handle)(trim(line.substr(verb.size())));
}

/// A client that streams its message although DATA was refused is cut off at the first line that is no command, so that
/// none of its text is run as commands.
Session::Step Session::unknown(std::string_view line) {
  where_ = "UNKNOWN";
  if (is_foreign(line.substr(0, line.find_first_of(" \t")))) {
    return Close{{421, "4.7.0", limits_.hostname + " Error: this is SMTP"}, "foreign protocol"};
  }
  if (data_refused_) {
    return Close{{421, "4.7.0", limits_.hostname + " Error: SMTP protocol synchronization"},
                 "improper command pipelining"};
  }
  if (line.empty()) return smtp::Reply{500, "5.5.2", "Error: bad syntax"};
  if (has_control(line)) return smtp::Reply{500, "5.5.2", "Error: control character in command"};
  return smtp::Reply{500, "5.5.2", "Error: command not recognized"};
}

/// Only MAIL and RCPT depend on the phase alone.
Session::Step Session::out_of_order(const Command& command) const {
  const bool nested = command.allowed & greeted;
  return smtp::Reply{503, "5.5.1", nested ? "Error: nested MAIL command" : "Error: need MAIL command"};
}

}  // namespace facteur::smtpd
