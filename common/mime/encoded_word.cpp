#include "common/mime/encoded_word.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/encode.h"
#include "common/base/strings.h"
#include "common/mime/charset.h"

namespace facteur::mime {
namespace {

struct EncodedWord {
  std::string_view raw;
  std::string_view charset;  ///< without a language (RFC 2231 section 5)
  std::string octets;
};

/// "Q" (RFC 2047 section 4.2): "_" is a space, "=" and two digits an octet.
std::string decode_q(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto octet = text[at] == '=' && at + 2 < text.size() ? hex_decode(text.substr(at + 1, 2)) : std::nullopt;
    if (octet) at += 2;
    out += octet ? octet->front() : text[at] == '_' ? ' ' : text[at];
  }
  return out;
}

/// The part up to the next "?" if no white space comes before it; taken with its "?".
std::optional<std::string_view> take_part(std::string_view& text) {
  const auto end = text.find_first_of("? \t\r\n");
  if (end == std::string_view::npos || text[end] != '?') return std::nullopt;
  const auto out = text.substr(0, end);
  text.remove_prefix(end + 1);
  return out;
}

/// The encoded word at the front of a text that begins with "=?". No part holds a "?", so what one attempt reads in
/// vain the next does not read again.
std::optional<EncodedWord> encoded_word_at(std::string_view text) {
  auto rest = text.substr(2);
  const auto charset = take_part(rest);
  const auto encoding = charset ? take_part(rest) : std::nullopt;
  const auto encoded = encoding ? take_part(rest) : std::nullopt;
  if (!encoded || !rest.starts_with('=')) return std::nullopt;
  EncodedWord out;
  out.raw = text.substr(0, text.size() - rest.size() + 1);
  out.charset = charset->substr(0, charset->find('*'));
  if (iequals(*encoding, "B")) {
    out.octets = base64_decode_mime(*encoded);
  } else if (iequals(*encoding, "Q")) {
    out.octets = decode_q(*encoded);
  } else {
    return std::nullopt;
  }
  return out;
}

/// Collects what is decoded; adjacent words of one charset wait to be converted as one text.
class Output {
 public:
  void add_text(std::string_view text) {
    flush();
    text_ += guess_utf8(text);
  }
  void add_word(EncodedWord word) {
    if (!iequals(charset_, word.charset)) flush();
    charset_ = word.charset;
    octets_ += word.octets;
    raw_ += word.raw;
  }
  std::string take() {
    flush();
    return std::move(text_);
  }

 private:
  void flush() {
    if (!raw_.empty()) {
      const auto decoded = to_utf8(charset_, octets_);
      text_ += decoded ? *decoded : guess_utf8(raw_);
    }
    raw_.clear();
    octets_.clear();
    charset_ = {};
  }

  std::string text_, octets_, raw_;
  std::string_view charset_;
};

}  // namespace

std::string decode_encoded_words(std::string_view text) {
  Output out;
  bool after_word = false;
  std::size_t plain = 0;  // where the text begins that is not yet put out
  for (auto at = text.find("=?"); at != std::string_view::npos; at = text.find("=?", at)) {
    auto word = encoded_word_at(text.substr(at));
    if (!word) {
      at += 2;
      continue;
    }
    const auto between = text.substr(plain, at - plain);
    const bool joined = after_word && trim(between).empty();
    if (!joined && !between.empty()) out.add_text(between);
    at = plain = at + word->raw.size();
    out.add_word(std::move(*word));
    after_word = true;
  }
  if (plain < text.size()) out.add_text(text.substr(plain));
  return out.take();
}

}  // namespace facteur::mime
