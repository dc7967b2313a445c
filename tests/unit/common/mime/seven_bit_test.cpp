// Octets above 127 on their way to a host that takes none (RFC 6152 section 3): what each kind of part becomes, and
// that it decodes to what it was.

#include "seven_bit.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "common/base/strings.h"
#include "common/mime/encoding.h"
#include "common/mime/seven_bit_converter.h"
#include "common/mime/summarizer.h"

using namespace facteur;
using namespace std::string_literals;
using mime::test::converted;
using mime::test::decoded_parts;
using mime::test::is_seven_bit;
using mime::test::survey;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

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

/// A message whose whole header is these lines, and what the last lines of its header and its body become.
std::string with(const std::string& header, const std::string& body = "\xe9\r\n") {
  return converted(header + "\r\n" + body);
}

const std::string mixed = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";

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

TEST_CASE("MIM-16: a message of one part becomes quoted-printable, whatever it says of itself") {
  const std::string text = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
  const std::string become = text + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n";
  CHECK(with(text + "Content-Transfer-Encoding: 8bit\r\n") == become);
  CHECK(with(text + "content-transfer-encoding : BINARY (so it says)\r\n") == become);
  CHECK(with(text + "Content-Transfer-Encoding:\r\n\t8bit\r\n") == become);
  CHECK(with(text + "Content-Transfer-Encoding: 7bit\r\n") == become);
  CHECK(with(text + "Content-Transfer-Encoding: 8-bit\r\n") == become);
  CHECK(with(text) == become);
  CHECK(with("Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: base64\r\n" + text) == become);
}

TEST_CASE("a message without MIME becomes MIME (RFC 1428 section 3)") {
  CHECK(with("Subject: x\r\n") ==
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n");
  CHECK(with("Content-Type: text/html; charset=latin1\r\n") ==
        "Content-Type: text/html; charset=latin1\r\nMIME-Version: 1.0\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n");
  // What is new stands before a line that no field can begin with.
  CHECK(with("Subject: x\r\nno field\r\nContent-Transfer-Encoding: 8bit\r\n") ==
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\nno field\r\n\r\n=E9\r\n");
  CHECK(converted("\r\n\xe9") ==
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9=\r\n");
}

TEST_CASE("nothing changes where no body has octets above 127") {
  for (const auto& message : {"Subject: \xe9\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx\r\n"s, "\xe9"s, ""s, "\r\n"s,
                              mixed + "\r\n--b\r\nSubject: \xe9\r\nContent-Type: message/partial\r\n\r\nx"}) {
    CHECK(survey(message).parts.empty());
    CHECK(survey(message).obstacle.empty());
  }
}

TEST_CASE("each part becomes what it needs") {
  CHECK(converted(mixed + "Content-Transfer-Encoding: 8bit\r\n\r\npre\xe9 a=b\r\n"
                          "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain =\r\n"
                          "--b \t\r\n\r\nnot\xe9\r\n"
                          "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
                          "--b\r\n\r\nseven bits =\r\n"
                          "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\xe9\r\n"
                          "--b--\r\nepi\xe9\r\n--b\r\n") ==
        mixed +
            "Content-Transfer-Encoding: 7bit\r\n\r\npre=E9 a=b\r\n"
            "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nplain =3D\r\n"
            "--b \t\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nnot=E9\r\n"
            "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
            "--b\r\n\r\nseven bits =\r\n"
            "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41=E9\r\n"
            "--b--\r\nepi=E9\r\n-=2Db\r\n");
}

TEST_CASE("embedded messages are looked into; they are not encoded themselves") {
  const std::string inner = "Subject: \xe9\r\nContent-Transfer-Encoding: binary\r\n";
  CHECK(converted(mixed + "\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner +
                  "\r\n\xe9\r\n--b--\r\n") ==
        mixed +
            "\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
            "Subject: \xe9\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--b--\r\n");
  // In a digest they need not say what they are; an outer delimiter ends all parts inside.
  CHECK(converted("MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n" + mixed +
                  "\r\n--b\r\n\r\n\xe9\r\n--d\r\n\r\nSubject: last\r\n\r\nx") ==
        "MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n" + mixed +
            "\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--d\r\n\r\nSubject: last\r\n\r\nx");
  // message/global may be encoded (RFC 6532 section 3.7).
  CHECK(with(mixed + "\r\n--b\r\nContent-Type: message/global\r\n") ==
        mixed +
            "\r\n--b\r\nContent-Type: message/global\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n");
}

TEST_CASE("a multipart without a delimiter is text, one that ends without a part an obstacle") {
  CHECK(with(mixed) == mixed + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n");
  CHECK(with("MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n", "--\r\n\xe9\r\n") ==
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "-=2D\r\n=E9\r\n");
  CHECK_FALSE(survey(mixed + "\r\n\xe9\r\n--b--\r\n--b\r\n").obstacle.empty());
  CHECK(converted(mixed + "\r\n--bb\r\n--b-\r\n--B\r\n-b\r\n\xe9") ==
        mixed + "Content-Transfer-Encoding: quoted-printable\r\n\r\n-=2Dbb\r\n-=2Db-\r\n-=2DB\r\n-b\r\n=E9=\r\n");
}

TEST_CASE("a header that a delimiter cuts off gets its new label before it") {
  CHECK(converted(mixed + "\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n--b\r\n--b\r\n\r\n\xe9\r\n--b--") ==
        mixed +
            "\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n--b\r\n"
            "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--b--");
}

TEST_CASE("NUL, bare CR and white space survive in what is encoded") {
  const auto message = mixed + "\r\n--b\r\n\r\n\xe9\0 \rx \t\r\n\r\r\n--b--\r\n"s;
  CHECK(converted(message) == mixed +
                                  "\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                                  "=E9=00 =0Dx =09\r\n=0D\r\n--b--\r\n");
}

TEST_CASE("what cannot be converted is said before anything is sent") {
  const auto obstacle = [](const std::string& message) { return survey(message).obstacle; };
  const std::string bodies[] = {"Content-Type: message/partial; id=1\r\n", "Content-Type: message/external-body\r\n",
                                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n",
                                "Content-Transfer-Encoding: base64\r\n",
                                "Content-Type: multipart/x; boundary=c\r\nContent-Transfer-Encoding: base64\r\n"};
  for (const auto& header : bodies) {
    CHECK_FALSE(obstacle(header + "\r\n\xe9\r\n").empty());
    CHECK_FALSE(obstacle(mixed + "\r\n--b\r\n" + header + "\r\n\xe9\r\n--b--\r\n").empty());
    CHECK(obstacle(header + "\r\nx\r\n").empty());
  }
  CHECK_FALSE(obstacle("Content-Type: multipart/mixed; boundary=\"\xe9\"\r\n\r\n--\xe9\r\n\r\nx\r\n").empty());
}

TEST_CASE("nesting and parts have bounds, and what is beyond them is an obstacle") {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) {
      const auto boundary = "b" + std::to_string(i);
      text += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
    }
    return text + "\r\n\xe9\r\n";
  };
  const auto deep = nested(mime::max_depth - 1);
  CHECK(survey(deep).obstacle.empty());
  CHECK(converted(deep).ends_with("Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n"));
  CHECK_FALSE(survey(nested(mime::max_depth)).obstacle.empty());
  CHECK_FALSE(survey(nested(5000)).obstacle.empty());
  CHECK_FALSE(survey(repeat("Content-Type: message/rfc822\r\n\r\n", mime::max_depth) + "\r\n\xe9").obstacle.empty());
  const auto wide = [](std::size_t parts) { return mixed + "\r\n" + repeat("--b\r\n\r\n\xe9\r\n", parts); };
  CHECK(survey(wide(mime::max_parts - 1)).parts.size() == mime::max_parts);
  CHECK_FALSE(survey(wide(mime::max_parts)).obstacle.empty());
  CHECK(survey(mixed + "\r\n" + repeat("--b\r\n\r\nx\r\n", mime::max_parts)).obstacle.empty());
  // A delimiter has at most so many octets, and a name of a field any number.
  const auto spaces = std::string(mime::max_delimiter - 3, ' ');
  CHECK(survey(mixed + "\r\n--b" + spaces + "\r\n\r\n\xe9").parts.size() == 2);
  CHECK(survey(mixed + "\r\n--b" + spaces + " \r\n\r\n\xe9").parts.size() == 1);
  CHECK(is_seven_bit(converted(std::string(1 << 20, 'x') + ": y\r\n\r\n\xe9")));
}

TEST_CASE("any cut gives the same, and each part decodes to what it was") {
  const std::string messages[] = {
      mixed +
          "Content-Transfer-Encoding: 8bit\r\n\r\n\xe9\r\n--b\r\nContent-Type: "
          "multipart/alternative;\r\n\tboundary=\"b-\"\r\n"
          "\r\n--b-\r\n\r\na \xe9 \r\n--b--x\r\n--b-\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\n.\xe9\r\n"
          "--b---\r\n\xe9\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=\xe9=\r\n--b--\r\n--b\r\n\xe9",
      mixed + "\r\n--b\r\n--b\r\n\r\n--b\r\nx\xe9\r\n\r\n--b--",
      "X: y\r\n z\xe9\r\n\r\n\0\r\r\n\xe9 \t"s,
  };
  for (const auto& message : messages) {
    const auto whole = converted(message);
    CHECK(decoded_parts(whole) == decoded_parts(message));
    const auto plan = survey(message);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
      mime::SevenBitSurvey cut_survey;
      cut_survey.add(std::string_view(message).substr(0, cut));
      cut_survey.add(std::string_view(message).substr(cut));
      CHECK(cut_survey.finish().parts == plan.parts);
      mime::SevenBitConverter converter(plan);
      std::string out;
      converter.write(std::string_view(message).substr(0, cut), out);
      converter.write(std::string_view(message).substr(cut), out);
      converter.finish(out);
      CHECK(out == whole);
    }
  }
}

TEST_CASE("messages put together by chance decode to what they were") {
  const std::vector<std::string> lines{"Content-Type: multipart/mixed; boundary=a",
                                       "Content-Type: message/rfc822",
                                       "Content-Transfer-Encoding: 8bit",
                                       "Content-Transfer-Encoding: quoted-printable",
                                       "Content-Transfer-Encoding: base64",
                                       "--a",
                                       "--a--",
                                       "",
                                       "",
                                       "caf\xe9 ",
                                       "=41=",
                                       "\r",
                                       "Subject: x"};
  std::mt19937 random(822);
  int changed = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string message;
    for (auto count = random() % 20; count > 0; --count) message += lines[random() % lines.size()] + "\r\n";
    const auto plan = survey(message);
    if (plan.parts.empty()) continue;
    ++changed;
    const auto out = converted(message);
    INFO(printable(message));
    INFO(printable(out));
    REQUIRE(decoded_parts(out) == decoded_parts(message));
    REQUIRE(survey(out).parts.empty());  // no body has octets above 127 any more
    REQUIRE(survey(out).obstacle.empty());
  }
  CHECK(changed > 3000);
}
