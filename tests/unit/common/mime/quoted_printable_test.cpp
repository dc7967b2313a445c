// Quoted-printable as it is written, and what the decoder makes of it.

#include "common/mime/quoted_printable.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "common/base/strings.h"
#include "common/mime/encoding.h"
#include "seven_bit.h"

using namespace facteur;
using namespace std::string_literals;
using mime::test::is_seven_bit;
using mime::test::repeat;

namespace {

std::string quoted(std::string_view text) {
  mime::QuotedPrintableEncoder encoder;
  std::string out;
  for (const char c : text) encoder.write(std::string_view(&c, 1), out);
  encoder.finish(out);
  std::string whole;
  mime::QuotedPrintableEncoder at_once;
  at_once.write(text, whole);
  at_once.finish(whole);
  CHECK(out == whole);
  return out;
}

std::string mended(std::string_view text) {
  mime::QuotedPrintableMender mender;
  std::string out;
  for (const char c : text) mender.write(std::string_view(&c, 1), out);
  mender.finish(out);
  return out;
}

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  for (const auto line : split(text, '\n')) longest = std::max(longest, trim(line).size());
  return longest;
}

}  // namespace

TEST_CASE("quoted-printable as it is written") {
  CHECK(quoted("a=b \xc3\xbc\r\n") == "a=3Db =C3=BC\r\n");
  CHECK(quoted("end \r\ntab\t\r\n \r\n") == "end=20\r\ntab=09\r\n=20\r\n");
  CHECK(quoted("a\nb\r\n") == "a\r\nb\r\n");
  CHECK(quoted("a\rb\r\r\nc \r") == "a=0Db=0D\r\nc=20=0D=\r\n");
  CHECK(quoted("a \rb") == "a =0Db=\r\n");
  CHECK(quoted("\0\x01\x7f~!"s) == "=00=01=7F~!=\r\n");
  CHECK(quoted("no end") == "no end=\r\n");
  CHECK(quoted("").empty());
  CHECK(quoted("\r\n\r\n") == "\r\n\r\n");
  CHECK(quoted(".\r\n-\r\n-b--\r\nFrom x\r\n") == ".\r\n-\r\n-b--\r\nFrom x\r\n");
  CHECK(quoted(std::string(75, 'x') + "\r\n") == std::string(75, 'x') + "\r\n");
  CHECK(quoted(std::string(80, 'x')) == std::string(75, 'x') + "=\r\nxxxxx=\r\n");
  // Neither an escape nor a soft break makes a delimiter.
  CHECK(quoted("--b\xe9\r\n--") == "-=2Db=E9\r\n-=2D=\r\n");
  CHECK(quoted(std::string(75, 'x') + "--b\r\n") == std::string(75, 'x') + "=\r\n-=2Db\r\n");
}

TEST_CASE("quoted-printable decodes to what it was, in lines of 76 octets") {
  std::mt19937 random(6152);
  constexpr std::string_view alphabet = " \t\r\n=-.ab\xe9\x00\x7f";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto size = random() % 400; size > 0; --size) text += alphabet[random() % alphabet.size()];
    const auto encoded = quoted(text);
    CHECK(is_seven_bit(encoded));
    CHECK(longest_line(encoded) <= mime::max_quoted_line);
    CHECK(mime::decode_quoted_printable(encoded) == mime::test::with_crlf(text));
  }
}

TEST_CASE("what is quoted-printable but for octets above 127 decodes to the same") {
  CHECK(mended("a=3Db =C3=BC\r\n") == "a=3Db =C3=BC\r\n");
  CHECK(mended("\xe9 =E9 =\xe9 ==\r\n=\r\n") == "=E9 =E9 =3D=E9 ==\r\n=\r\n");
  CHECK(mended("=") == "=");
  CHECK(mended("-\n=-\xe9") == "-\n=-=E9");
  CHECK(mended("-\r\n--b\xe9") == "-\r\n-=2Db=E9");
  std::mt19937 random(2045);
  constexpr std::string_view alphabet = "==4Ez \r\n\xe9\xc3";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto size = random() % 300; size > 0; --size) text += alphabet[random() % alphabet.size()];
    INFO(printable(text));
    CHECK(is_seven_bit(mended(text)));
    CHECK(mime::decode_quoted_printable(mended(text)) == mime::decode_quoted_printable(text));
  }
  CHECK(longest_line(mended(repeat("\xe9", 500) + "\r\n")) <= mime::max_quoted_line);
}
