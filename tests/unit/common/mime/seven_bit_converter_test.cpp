// Octets above 127 on their way to a host that takes none (RFC 6152 section 3): what each kind of part becomes, and
// that it decodes to what it was.

#include "common/mime/seven_bit_converter.h"

#include <random>

#include "catch.h"
#include "common/base/strings.h"
#include "seven_bit.h"

using namespace facteur;
using namespace std::string_literals;
using mime::test::converted;
using mime::test::decoded_parts;
using mime::test::mixed;
using mime::test::survey;

namespace {

/// A message whose whole header is these lines, and what the last lines of its header and its body become.
std::string with(const std::string& header, const std::string& body = "\xe9\r\n") {
  return converted(header + "\r\n" + body);
}

}  // namespace

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
