// AUTH (RFC 4954).
#include <algorithm>
#include <fmt/format.h>

#include "common/base/strings.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {

Session::Step Session::auth(std::string_view arguments) {
  if (limits_.sasl_mechanisms.empty()) return smtp::Reply{503, "5.5.1", "Error: authentication not enabled"};
  if (!client_.login.empty()) return smtp::Reply{503, "5.5.1", "Error: already authenticated"};
  if (transaction_) return smtp::Reply{503, "5.5.1", "Error: MAIL transaction in progress"};
  if (!offers_auth()) {
    return smtp::Reply{538, "5.7.11", "Encryption required for requested authentication mechanism"};
  }
  const auto parts = words(arguments, 3);
  if (parts.empty() || parts.size() > 2) return smtp::Reply{501, "5.5.4", "Syntax: AUTH mechanism [initial-response]"};
  const auto mechanism = to_upper(parts[0]);
  const auto& known = limits_.sasl_mechanisms;
  if (std::find(known.begin(), known.end(), mechanism) == known.end()) {
    return smtp::Reply{504, "5.5.4", "Unrecognized authentication mechanism"};
  }
  sasl_method_ = mechanism;
  return sasl(exchange_.start(mechanism, parts.size() == 2 ? std::optional(parts[1]) : std::nullopt));
}

Session::Step Session::sasl(std::optional<login::SaslEvent> event) {
  if (!event) return Wait{};
  return sasl_result(*event);
}

Session::Step Session::sasl_result(const login::SaslEvent& event) {
  using Type = login::SaslEvent::Type;
  struct Row {
    Type type;
    smtp::Reply reply;
  };
  static const Row rows[] = {
      {Type::denied, {535, "5.7.8", "Error: authentication failed"}},
      {Type::cancelled, {501, "5.7.0", "Authentication aborted"}},
      {Type::malformed, {501, "5.5.2", "Error: malformed authentication response"}},
      {Type::unavailable, {454, "4.7.0", "Temporary authentication failure"}},
  };
  if (event.type == Type::challenge) return smtp::Reply{334, "", event.challenge};
  if (event.type == Type::granted) {
    client_.login = event.granted.user;
    return smtp::Reply{235, "2.7.0", "Authentication successful"};
  }
  const auto row = std::find_if(std::begin(rows), std::end(rows), [&](const Row& r) { return r.type == event.type; });
  check(row != std::end(rows), "every SASL event has a reply");
  log(fmt::format("warning: {}: SASL {} authentication failed: {}", peer_, sasl_method_, row->reply.text));
  sasl_method_.clear();
  return row->reply;
}

}  // namespace facteur::smtpd
