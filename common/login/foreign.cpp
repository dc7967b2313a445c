#include "common/login/foreign.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"

namespace facteur::login {

namespace {

/// Methods of HTTP (RFC 9110 section 9, RFC 5789) and SIP (RFC 3261 section 7.1). Neither POP3 nor an IMAP client's tag
/// uses one with the rest of the line that foreign_tail() wants.
constexpr std::array<std::string_view, 18> methods{"GET",     "HEAD",      "POST",   "PUT",      "DELETE",  "CONNECT",
                                                   "OPTIONS", "TRACE",     "PATCH",  "INVITE",   "CANCEL",  "BYE",
                                                   "ACK",     "SUBSCRIBE", "NOTIFY", "REGISTER", "MESSAGE", "PRI"};

/// The version that ends a request line of HTTP, SIP or RTSP.
bool foreign_tail(std::string_view line) {
  constexpr std::array<std::string_view, 3> versions{" HTTP/", " SIP/", " RTSP/"};
  return std::ranges::any_of(versions, [&](auto version) { return line.find(version) != std::string_view::npos; });
}

}  // namespace

bool is_foreign_start(std::string_view octets) {
  if (octets.empty()) return false;
  const char first = octets.front();
  if (first == '\r' || first == '\n' || first == '\t') return false;
  return is_control(first) || static_cast<unsigned char>(first) >= 0x80;
}

bool is_foreign_line(std::string_view line) {
  if (istarts_with(line, "SSH-") || istarts_with(line, "EHLO ") || istarts_with(line, "HELO ")) return true;
  const auto verb = line.substr(0, line.find(' '));
  if (std::ranges::find(methods, verb) == methods.end()) return false;
  return foreign_tail(line) || line.substr(verb.size()).starts_with(" /");
}

}  // namespace facteur::login
