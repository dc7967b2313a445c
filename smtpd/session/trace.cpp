#include "smtpd/session/trace.h"

#include <fmt/format.h>

namespace facteur::smtpd {

std::string neutral(std::string_view text) {
  constexpr std::string_view unsafe = "()<>\\\";,";
  std::string out(text.substr(0, 255));
  for (auto& c : out) {
    if (c <= ' ' || c >= 0x7f || unsafe.contains(c)) c = '?';
  }
  return out;
}

std::string with_protocol(bool extended, bool tls, bool authenticated) {
  if (!extended) return "SMTP";
  return std::string("ESMTP") + (tls ? "S" : "") + (authenticated ? "A" : "");
}

std::string received_field(const Trace& trace) {
  const auto date = rfc5322_time(trace.arrival);
  if (trace.client.role == Role::local) {
    return fmt::format("Received: by {} (Facteur, from userid {})\r\n\tid {}; {}\r\n", trace.hostname, trace.client.uid,
                       trace.queue_id, date);
  }
  const auto literal = trace.client.ip.to_literal();
  std::string field =
      fmt::format("Received: from {} ({} {})\r\n", neutral(trace.helo.empty() ? trace.client.name : trace.helo),
                  neutral(trace.client.name), literal);
  if (!trace.tls.empty()) field += fmt::format("\t(using {})\r\n", trace.tls);
  field += fmt::format("\tby {} (Facteur) with {} id {}", trace.hostname, trace.protocol, trace.queue_id);
  if (trace.recipient.empty()) return field + fmt::format(";\r\n\t{}\r\n", date);
  return field + fmt::format("\r\n\tfor <{}>; {}\r\n", trace.recipient, date);
}

std::string message_id_field(const Trace& trace) {
  const auto seconds = std::chrono::duration_cast<Seconds>(trace.arrival.time_since_epoch()).count();
  return fmt::format("Message-ID: <{}.{}@{}>\r\n", seconds, trace.queue_id, trace.hostname);
}

std::string date_field(WallTime arrival) {
  return "Date: " + rfc5322_time(arrival) + "\r\n";
}

}  // namespace facteur::smtpd
