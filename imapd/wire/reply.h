// The end of a command: status, response code and text of a tagged response (RFC 3501 section 7.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace facteur::imapd {

enum class Status : std::uint8_t { ok, no, bad };

struct Reply {
  Status status = Status::ok;
  std::string code;  ///< without brackets; empty: none
  std::string text;
};

[[nodiscard]] inline Reply ok(std::string text, std::string code = {}) {
  return {Status::ok, std::move(code), std::move(text)};
}
[[nodiscard]] inline Reply no(std::string text, std::string code = {}) {
  return {Status::no, std::move(code), std::move(text)};
}
[[nodiscard]] inline Reply bad(std::string text) {
  return {Status::bad, {}, std::move(text)};
}

/// "tag OK [CODE] text" CRLF; with the tag "*" the untagged form. Octets that are not printable ASCII are escaped.
[[nodiscard]] std::string response(std::string_view tag, const Reply& reply);

}  // namespace facteur::imapd
