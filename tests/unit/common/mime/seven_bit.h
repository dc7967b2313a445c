// What tests of the conversion to 7 bits share: both readings in one call, and what Summarizer, which finds parts on
// its own, says a message holds.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/mime/encoding.h"
#include "common/mime/seven_bit_converter.h"
#include "common/mime/summary.h"

namespace facteur::mime::test {

/// The header of a multipart whose boundary is "b", its end left out.
inline const std::string mixed = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";

inline std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

inline SevenBitPlan survey(std::string_view message) {
  SevenBitSurvey survey;
  survey.add(message);
  return survey.finish();
}

inline std::string converted(std::string_view message) {
  SevenBitConverter converter(survey(message));
  std::string out;
  for (; !message.empty(); message.remove_prefix(1)) converter.write(message.substr(0, 1), out);
  converter.finish(out);
  return out;
}

inline bool is_seven_bit(std::string_view octets) {
  return std::ranges::all_of(octets, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// With a CR before each LF.
inline std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c;
  }
  return out;
}

/// The parts as "type/subtype: what it decodes to"; of those that have parts the type alone.
inline std::vector<std::string> decoded_parts(std::string_view message) {
  std::vector<std::string> out;
  for (const auto& part : summarize(message).parts) {
    auto text = to_lower(part.type + "/" + part.subtype) + ": ";
    const auto body = message.substr(part.body_begin, part.body_end - part.body_begin);
    if (part.children.empty()) text += decode_body(part.encoding, body);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace facteur::mime::test
