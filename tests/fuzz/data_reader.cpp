// Fuzz target: the text behind DATA, against the oracle, whole and in pieces.
#include "../unit/common/smtp/oracle.h"
#include "input.h"

namespace {

using namespace facteur;

void compare(std::string_view text, smtp::BareNewline mode) {
  const auto expected = oracle::decode_slowly(std::string(text), mode);
  smtp::DataReader whole(mode), pieces(mode);
  std::string content, content_of_pieces;
  check(whole.read(text, content) == expected.used, "the end of data is elsewhere");
  check(whole.finished() == expected.finished, "another end of data");
  check(content == expected.content, "another content");
  check(whole.saw_bare_cr() == expected.bare_cr && whole.saw_bare_lf() == expected.bare_lf, "other findings");
  std::size_t used = 0;
  fuzz::in_pieces(text, [&](std::string_view piece) {
    if (!pieces.finished()) used += pieces.read(piece, content_of_pieces);
  });
  check(used == expected.used && content_of_pieces == content, "pieces give something else");
  check(pieces.longest_line() == whole.longest_line() && pieces.saw_8bit() == whole.saw_8bit() &&
            pieces.saw_nul() == whole.saw_nul(),
        "pieces give other findings");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  compare(text, smtp::BareNewline::normalize);
  compare(text, smtp::BareNewline::no);
  return 0;
}
