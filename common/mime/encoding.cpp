#include "common/mime/encoding.h"

#include <algorithm>

#include "common/base/encode.h"
#include "common/base/strings.h"

namespace facteur::mime {
namespace {

/// A line without its line end and without the white space before that.
void decode_line(std::string_view line, std::string& out) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    const auto octet = line[at] == '=' && at + 2 < line.size() ? hex_decode(line.substr(at + 1, 2)) : std::nullopt;
    if (octet) at += 2;
    out += octet ? octet->front() : line[at];
  }
}

}  // namespace

std::string decode_quoted_printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto lf = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, lf);
    auto line_end = text.substr(lf, 1);
    if (line.ends_with('\r') && !line_end.empty()) {
      line.remove_suffix(1);
      line_end = "\r\n";
    }
    text.remove_prefix(std::min(lf + 1, text.size()));
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    const bool soft_break = line.ends_with('=');
    if (soft_break) line.remove_suffix(1);
    decode_line(line, out);
    if (!soft_break) out += line_end;
  }
  return out;
}

std::string decode_body(std::string_view encoding, std::string_view body) {
  if (iequals(encoding, "base64")) return base64_decode_mime(body);
  if (iequals(encoding, "quoted-printable")) return decode_quoted_printable(body);
  return std::string(body);
}

}  // namespace facteur::mime
