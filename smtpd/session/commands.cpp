// The commands that belong to no mail transaction.
#include <fmt/format.h>

#include "common/address/grammar.h"
#include "common/base/strings.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {

/// The name of HELO and EHLO. It proves nothing and is only kept for the trace; one that is no name is taken as text.
std::optional<smtp::Reply> Session::take_name(std::string_view name, std::string_view verb) {
  if (name.empty() || name.size() > max_helo) {
    return smtp::Reply{501, "5.5.4", "Syntax: " + std::string(verb) + " hostname"};
  }
  transaction_.reset();
  data_refused_ = false;
  helo_ = name;
  return std::nullopt;
}

Session::Step Session::helo(std::string_view arguments) {
  if (auto refused = take_name(arguments, "HELO")) return *refused;
  extended_ = false;
  return smtp::Reply{250, "", limits_.hostname};
}

Session::Step Session::ehlo(std::string_view arguments) {
  if (auto refused = take_name(arguments, "EHLO")) return *refused;
  extended_ = true;
  // HELP too: every command that is not required of all has its keyword (RFC 5321 section 4.1.1.1).
  auto text = fmt::format("{}\nPIPELINING\nSIZE {}\nHELP", limits_.hostname, limits_.message_size_limit);
  if (limits_.tls_available && !client_.tls) text += "\nSTARTTLS";
  if (offers_auth()) {
    text += "\nAUTH";
    for (const auto& mechanism : limits_.sasl_mechanisms) text += " " + mechanism;
  }
  return smtp::Reply{250, "", text + "\nENHANCEDSTATUSCODES\n8BITMIME"};
}

bool Session::offers_auth() const {
  return !limits_.sasl_mechanisms.empty() && (client_.tls || limits_.plaintext_auth);
}

Session::Step Session::rset(std::string_view arguments) {
  if (!arguments.empty()) return smtp::Reply{501, "5.5.4", "Syntax: RSET"};
  transaction_.reset();
  data_refused_ = false;
  return smtp::Reply{250, "2.0.0", "Ok"};
}

Session::Step Session::noop(std::string_view) {
  return smtp::Reply{250, "2.0.0", "Ok"};
}

Session::Step Session::help(std::string_view) {
  std::string text = "Commands:";
  for (const auto& command : commands) {
    if (command.handle != &Session::bdat && command.handle != &Session::expn) text += " " + std::string(command.verb);
  }
  return smtp::Reply{214, "2.0.0", text};
}

/// RFC 5321 section 7.3: neither yes nor no.
Session::Step Session::vrfy(std::string_view arguments) {
  if (limits_.disable_vrfy_command) return smtp::Reply{502, "5.5.1", "VRFY command is disabled"};
  if (arguments.empty()) return smtp::Reply{501, "5.5.4", "Syntax: VRFY address"};
  if (!address::is_ascii(arguments))
    return smtp::Reply{550, "5.6.7", "Must declare SMTPUTF8 to permit unicode address"};
  return smtp::Reply{252, "2.0.0", "Cannot verify the user, but will take mail for it and try"};
}

Session::Step Session::expn(std::string_view) {
  return smtp::Reply{502, "5.5.1", "Error: command not implemented"};
}

Session::Step Session::quit(std::string_view arguments) {
  if (!arguments.empty()) return smtp::Reply{501, "5.5.4", "Syntax: QUIT"};
  return Close{{221, "2.0.0", "Bye"}, {}};
}

/// RFC 3207 section 4. Only an empty buffer is answered with 220: what stands behind it was sent in clear.
Session::Step Session::starttls(std::string_view arguments) {
  if (!arguments.empty()) return smtp::Reply{501, "5.5.4", "Syntax: STARTTLS"};
  if (client_.tls) return smtp::Reply{554, "5.5.1", "Error: TLS already active"};
  if (!limits_.tls_available) return smtp::Reply{502, "5.5.1", "Error: command not implemented"};
  if (transaction_) return smtp::Reply{503, "5.5.1", "Error: MAIL transaction in progress"};
  if (!in_.empty()) {
    return Close{{554, "5.5.0", "Error: commands behind STARTTLS"}, "improper command pipelining"};
  }
  state_ = State::starting_tls;
  return smtp::Reply{220, "2.0.0", "Ready to start TLS"};
}

/// What follows BDAT is a chunk, not commands; its size cannot be trusted from a client that was not offered CHUNKING.
Session::Step Session::bdat(std::string_view) {
  return Close{{502, "5.5.1", "Error: BDAT is not offered"}, "BDAT without CHUNKING"};
}

}  // namespace facteur::smtpd
