#include <fmt/format.h>

#include "catch.h"
#include "common/base/crc32c.h"
#include "common/base/encode.h"
#include "common/base/line_buffer.h"
#include "common/base/number.h"
#include "common/base/random.h"
#include "common/base/strings.h"
#include "common/base/ticket.h"
#include "common/base/time.h"

using namespace facteur;

TEST_CASE("base64 as RFC 4648 section 10 has it, and nothing that is not canonical") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : vectors) {
    CHECK(base64_encode(octets) == text);
    CHECK(base64_decode(text) == std::string(octets));
  }
  for (const char* bad : {"Zg=", "Zg", "Z===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "====", "=", "Zg==Zg=="}) {
    CAPTURE(bad);
    CHECK_FALSE(base64_decode(bad));
  }
  CHECK(base64_decode_mime("Zm 9\r\nv!Yg==Zg") == "foob");
}

TEST_CASE("hexadecimal and base 62") {
  CHECK(hex_encode(std::string_view("\x00\xff", 2)) == "00ff");
  CHECK(hex_decode("00Ff") == std::string("\x00\xff", 2));
  CHECK_FALSE(hex_decode("0"));
  CHECK_FALSE(hex_decode("0g"));
  CHECK(base62(0, 3) == "000");
  CHECK(base62(61, 1) == "z");
  CHECK(base62(62, 2) == "10");
  CHECK(base62(1000, 4) < base62(1001, 4));
}

TEST_CASE("CRC-32C of RFC 3720 appendix B.4") {
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  CHECK(crc32c("123456789") == 0xe3069283);
  const std::string text = "The queue is a table of legal states";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CHECK(crc32c(text.substr(cut), crc32c(text.substr(0, cut))) == crc32c(text));
    CHECK(crc32c_by_tables(text.substr(cut), 5) == crc32c(text.substr(cut), 5));
  }
}

TEST_CASE("numbers are whole, plain and in range") {
  CHECK(parse_number<std::uint32_t>("4294967295") == 4294967295U);
  for (const char* bad : {"4294967296", "-1", "+1", " 1", "1 ", "", "0x1", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_number<std::uint32_t>(bad));
  }
}

TEST_CASE("a line buffer gives the same lines however the octets come") {
  const std::string text = "EHLO a\r\nbare\n\r\nlast without end";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    LineBuffer buffer;
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < text.size(); i += piece) {
      buffer.append(std::string_view(text).substr(i, piece));
      while (const auto line = buffer.next_line()) lines.emplace_back(*line);
    }
    CHECK(lines == std::vector<std::string>{"EHLO a\r", "bare", "\r"});
    CHECK(buffer.view() == "last without end");
  }
}

TEST_CASE("a withdrawn question is never answered, an open one once") {
  int answered = 0;
  auto [ticket, answer] = ask<int>([&](int value) { answered += value; });
  CHECK(answer.wanted());
  answer(1);
  answer(1);
  CHECK(answered == 1);
  auto [second, never] = ask<int>([&](int value) { answered += value; });
  second.reset();
  CHECK_FALSE(never.wanted());
  never(1);
  CHECK(answered == 1);
}

TEST_CASE("a callback may destroy its own ticket") {
  auto ticket = std::make_shared<Ticket>();
  auto [question, answer] = ask<int>([&](int) { ticket.reset(); });
  *ticket = std::move(question);
  answer(1);
  CHECK_FALSE(ticket);
}

TEST_CASE("durations in Postfix's spelling") {
  CHECK(parse_duration("300s") == Seconds{300});
  CHECK(parse_duration("5m") == Seconds{300});
  CHECK(parse_duration("5", Seconds{60}) == Seconds{300});
  CHECK(parse_duration("1w") == Seconds{604800});
  CHECK_FALSE(parse_duration("5x"));
  CHECK_FALSE(parse_duration(""));
  CHECK_FALSE(parse_duration("d"));
  CHECK_FALSE(parse_duration("99999999999999999w"));
  CHECK(show_duration(Seconds{300}) == "5m");
  CHECK(show_duration(Seconds{432000}) == "5d");
  CHECK(show_duration(Seconds{90}) == "90s");
}

TEST_CASE("text for one line of a log") {
  CHECK(printable("a\r\nb\x1b[2J\\") == "a\\r\\nb\\x1b[2J\\\\");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(words("  LIST  1 2 ") == std::vector<std::string_view>{"LIST", "1", "2"});
  CHECK(words("PASS a  b ", 2) == std::vector<std::string_view>{"PASS", "a  b"});
  CHECK(is_utf8("d\xc3\xa9j\xc3\xa0"));
  for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xff", "\xf4\x90\x80\x80"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("random numbers stay below their bound") {
  for (int i = 0; i < 1000; ++i) CHECK(random_below(3) < 3);
  CHECK(random_octets(16) != random_octets(16));
}
