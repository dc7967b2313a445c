// Octets above 127 on their way to a host that takes none (RFC 6152 section 3): what is decided of each part before
// anything is sent.

#include "common/mime/seven_bit_plan.h"

#include "catch.h"
#include "common/base/strings.h"
#include "seven_bit.h"

using namespace facteur;
using namespace std::string_literals;
using mime::test::converted;
using mime::test::is_seven_bit;
using mime::test::mixed;
using mime::test::repeat;
using mime::test::survey;

TEST_CASE("nothing changes where no body has octets above 127") {
  for (const auto& message : {"Subject: \xe9\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx\r\n"s, "\xe9"s, ""s, "\r\n"s,
                              mixed + "\r\n--b\r\nSubject: \xe9\r\nContent-Type: message/partial\r\n\r\nx"}) {
    CHECK(survey(message).parts.empty());
    CHECK(survey(message).obstacle.empty());
  }
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
