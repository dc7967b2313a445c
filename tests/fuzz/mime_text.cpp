// Fuzz target: encoded words, encodings and character sets. What comes out is UTF-8, and not larger than it may be.
#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/encoded_word.h"
#include "common/mime/encoding.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const auto text = fuzz::text_of(data, size);
  check(is_utf8(mime::decode_encoded_words(text)), "encoded words that are not UTF-8");
  check(is_utf8(mime::guess_utf8(text)), "a guess that is not UTF-8");
  check(is_utf8(mime::fold_case(mime::guess_utf8(text))), "folded text that is not UTF-8");
  check(mime::decode_quoted_printable(text).size() <= size, "quoted-printable that grows");
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return 0;
  const auto decoded = mime::to_utf8(text.substr(0, slash), text.substr(slash + 1));
  check(!decoded || is_utf8(*decoded), "converted text that is not UTF-8");
  return 0;
}
