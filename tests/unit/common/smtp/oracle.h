// What end of data, dots and line ends mean, written slowly and plainly: the measure for the fast code, in unit tests
// and in fuzzing.
#pragma once

#include <cstddef>
#include <string>

#include "common/smtp/dot_stuffing.h"

namespace facteur::oracle {

struct Decoded {
  std::string content;
  std::size_t used = 0;
  bool finished = false, bare_lf = false, bare_cr = false;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

/// What is right, slowly: find the end, cut into CRLF lines, drop one dot of each, then mend what is bare.
inline Decoded decode_slowly(const std::string& octets, smtp::BareNewline mode) {
  Decoded out;
  const auto end = octets.starts_with(".\r\n") ? 0 : octets.find("\r\n.\r\n");
  out.finished = end != std::string::npos;
  const auto text = !out.finished ? octets : end == 0 && octets.starts_with(".") ? "" : octets.substr(0, end + 2);
  out.used = !out.finished ? octets.size() : text.size() + 3;
  for (std::size_t at = 0; at < text.size();) {
    const auto crlf = text.find("\r\n", at);
    const auto line = text.substr(at, crlf - at);
    for (std::size_t i = line.starts_with(".") ? 1 : 0; i < line.size(); ++i) {
      // A CR at the very end of unfinished data may become CRLF: not yet decided.
      if (line[i] == '\r' && i + 1 == line.size() && crlf == std::string::npos) break;
      if (line[i] == '\n') out.bare_lf = true;
      if (line[i] == '\r') out.bare_cr = true;
      const bool keep = mode == smtp::BareNewline::no || (line[i] != '\n' && line[i] != '\r');
      out.content += keep ? std::string(1, line[i]) : line[i] == '\n' ? "\r\n" : " ";
    }
    if (crlf == std::string::npos) break;
    out.content += "\r\n";
    at = crlf + 2;
  }
  return out;
}

/// Line ends of any kind made CRLF, the last line ended.
inline std::string canonical(const std::string& content) {
  std::string out;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\n' && i > 0 && content[i - 1] == '\r') continue;
    out += content[i] == '\n' || content[i] == '\r' ? "\r\n" : std::string(1, content[i]);
  }
  if (!out.empty() && !out.ends_with("\r\n")) out += "\r\n";
  return out;
}

}  // namespace facteur::oracle
