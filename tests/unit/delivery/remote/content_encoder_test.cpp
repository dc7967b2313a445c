// Content on its way to the wire, against a slow encoder that sees the whole message: the same for any cut.

#include "delivery/remote/content_encoder.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "common/base/strings.h"
#include "common/mime/encoding.h"
#include "common/mime/seven_bit_plan.h"

using namespace facteur;
using namespace std::string_literals;

namespace {

constexpr std::size_t limit = 998;

mime::SevenBitPlan survey(std::string_view message) {
  mime::SevenBitSurvey survey;
  survey.add(message);
  return survey.finish();
}

/// What is sent of pieces. `convert`: to a host that takes 7 bits.
std::string sent(const std::vector<std::string_view>& pieces, std::string_view message, bool convert,
                 std::size_t most = limit) {
  remote::ContentEncoder encoder(most);
  if (convert) encoder.convert(survey(message));
  std::string wire;
  for (const auto piece : pieces) encoder.write(piece, wire);
  encoder.finish(wire);
  return wire;
}

std::string sent(std::string_view message, bool convert, std::size_t most = limit) {
  return sent({message}, message, convert, most);
}

/// The lines of a text, whatever their ends are; CRLF is one end.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') {
      if (text.substr(i, 2) == "\r\n") ++i;
      out.emplace_back();
    } else {
      out.back() += text[i];
    }
  }
  if (out.back().empty()) out.pop_back();  // the text ended with its last line's end
  return out;
}

/// RFC 5321 section 4.5.2, and Postfix's smtp_line_length_limit, said a line at a time.
std::string oracle(std::string_view message, std::size_t most) {
  std::string out;
  const auto put = [&](std::string_view line) {
    if (line.starts_with('.')) out += '.';
    out += std::string(line) + "\r\n";
  };
  for (std::string line : lines_of(message)) {
    for (; line.size() > most; line = " " + line.substr(most)) put(line.substr(0, most));
    put(line);
  }
  return out + ".\r\n";
}

/// What a server makes of it.
std::string received(std::string_view wire) {
  REQUIRE(wire.ends_with(".\r\n"));
  std::string out;
  for (auto line : split(wire.substr(0, wire.size() - 3), '\n')) {
    if (line.starts_with('.')) line.remove_prefix(1);
    out += std::string(line) + "\n";
  }
  out.pop_back();  // split() sees an empty line behind the last end
  return out;
}

const std::string eight_bit = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";

const std::vector<std::string> messages{
    "",
    ".",
    "..\r\n.\r\n",
    "Subject: x\r\n\r\n.\r\nbody\r\n..two\r\n",
    "Subject: x\n\n.lf\r.cr\r\r\n\n.end",
    eight_bit + "caf\xc3\xa9\r\n.\r\n.\xc3\xa9\r\n--\xc3\xa9\r\nend \r\n",
    eight_bit + ".\xc3\xa9" + std::string(90, 'x') + "\r\n" + std::string(80, '.') + "\r\n" + "\xc3\xa9",
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\".\"\r\n\r\n.\xc3\xa9\r\n--.\r\n\r\n.\xc3\xa9\r\n"
    "--.\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n.=2E\r\n.\xc3\xa9=\r\n.x\r\n--.--\r\n.\r\n",
    // The last line is held back whole: it may be a delimiter.
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"--\"\r\n\r\n\xc3\xa9\r\n----\r\n\r\n--" +
        std::string(200, '.'),
    "X-Long: " + std::string(40, 'y') + "\r\n\r\n" + std::string(41, '.') + "\r\n\0\r\n"s,
};

}  // namespace

TEST_CASE("dots are doubled at the front of a line and nowhere else, every end becomes CRLF") {
  CHECK(sent("", false) == ".\r\n");
  CHECK(sent("a", false) == "a\r\n.\r\n");
  CHECK(sent(".", false) == "..\r\n.\r\n");
  CHECK(sent("a.b\r\n.c\r\n", false) == "a.b\r\n..c\r\n.\r\n");
  CHECK(sent("a\n.\r\n", false) == "a\r\n..\r\n.\r\n");
  CHECK(sent("a\r.\n", false) == "a\r\n..\r\n.\r\n");
}

TEST_CASE("a line at the limit stays whole, a longer one goes on behind a space") {
  CHECK(sent("12345\r\n", false, 5) == "12345\r\n.\r\n");
  CHECK(sent("123456\r\n", false, 5) == "12345\r\n 6\r\n.\r\n");
  CHECK(sent("123456789\r\n0", false, 5) == "12345\r\n 6789\r\n0\r\n.\r\n");
  CHECK(sent("1234567890", false, 5) == "12345\r\n 6789\r\n 0\r\n.\r\n");
  // A dot behind the break is no dot at a line's front; the doubled one does not count.
  CHECK(sent(".2345.", false, 5) == "..2345\r\n .\r\n.\r\n");
}

TEST_CASE("octets above 127 become quoted-printable, and what that makes of dots is doubled") {
  CHECK(sent(eight_bit + ".\xc3\xa9\r\n", true) ==
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n..=C3=A9\r\n.\r\n");
  CHECK(sent(eight_bit + ".\xc3\xa9\r\n", false) == eight_bit + "..\xc3\xa9\r\n.\r\n");
  CHECK(sent(eight_bit + "\xc3\xa9 ", true).ends_with("\r\n\r\n=C3=A9=20=\r\n.\r\n"));  // a last line without end
  // Long lines get soft breaks before the folder sees them: they decode to what they were.
  const auto text = std::string(3000, '.') + "\xc3\xa9\r\n";
  const auto body = received(sent(eight_bit + text, true));
  CHECK(mime::decode_quoted_printable(body.substr(body.find("\r\n\r\n") + 4)) == text);
}

TEST_CASE("without a conversion the wire is what a line at a time gives") {
  for (const auto& message : messages) {
    INFO(printable(message));
    for (const std::size_t most : {2, 7, 40, 998}) CHECK(sent(message, false, most) == oracle(message, most));
  }
}

TEST_CASE("any two pieces give the same as the whole") {
  for (const auto& message : messages) {
    for (const bool convert : {false, true}) {
      for (const std::size_t most : {std::size_t{7}, limit}) {
        const auto whole = sent(message, convert, most);
        const std::string_view text = message;
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
          INFO(printable(message) << " cut at " << cut);
          REQUIRE(sent({text.substr(0, cut), text.substr(cut)}, text, convert, most) == whole);
        }
      }
    }
  }
}

TEST_CASE("pieces of one octet, and pieces drawn by chance, give the same as the whole") {
  std::mt19937 random(6152);
  constexpr std::string_view alphabet = ".. \r\n\r\n-=a\xe9\x00";
  for (int round = 0; round < 3000; ++round) {
    std::string message = random() % 2 == 0 ? eight_bit : "";
    for (auto size = random() % 200; size > 0; --size) message += alphabet[random() % alphabet.size()];
    const bool convert = random() % 2 == 0 && survey(message).obstacle.empty();
    const std::size_t most = 2 + random() % 90;
    std::vector<std::string_view> pieces;
    std::vector<std::string_view> octets;
    for (std::string_view rest = message; !rest.empty();) {
      const auto piece = rest.substr(0, random() % 9);
      pieces.push_back(piece);
      rest.remove_prefix(piece.size());
    }
    for (std::string_view rest = message; !rest.empty(); rest.remove_prefix(1)) octets.push_back(rest.substr(0, 1));
    INFO(printable(message));
    const auto whole = sent(message, convert, most);
    REQUIRE(sent(pieces, message, convert, most) == whole);
    REQUIRE(sent(octets, message, convert, most) == whole);
  }
}

TEST_CASE("what a server receives has no line over the limit, none alone with a dot, and ends once (SMG-01)") {
  for (const auto& message : messages) {
    for (const bool convert : {false, true}) {
      const auto wire = sent(message, convert, 90);
      INFO(printable(wire));
      CHECK(wire.find("\r\n.\r\n") == (wire == ".\r\n" ? wire.npos : wire.size() - 5));
      for (const auto line : split(wire, '\n')) {
        CHECK((line.empty() || (line.ends_with('\r') && line.find('\r') == line.size() - 1)));
        CHECK(line.size() <= 90 + 2);  // a doubled dot and the CR
      }
      if (convert) CHECK(std::ranges::all_of(wire, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    }
  }
}
