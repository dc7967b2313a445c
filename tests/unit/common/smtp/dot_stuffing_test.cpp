// Both directions against oracles that go octet by octet, over all short texts of the octets that matter, cut anywhere.
#include "common/smtp/dot_stuffing.h"

#include <chrono>

#include "catch.h"
#include "oracle.h"

using namespace facteur;
using namespace facteur::oracle;
using namespace std::string_literals;
using smtp::BareNewline;
using smtp::DataReader;
using smtp::DotStuffer;

namespace {

Decoded decode(std::string_view octets, BareNewline mode, std::size_t first_cut, std::size_t piece) {
  DataReader reader(mode);
  Decoded out;
  while (out.used < octets.size() && !reader.finished()) {
    const auto next = octets.substr(out.used, out.used == 0 ? first_cut : piece);
    const auto used = reader.read(next, out.content);
    out.used += used;
    if (used != next.size() && !reader.finished()) FAIL("octets left over before the end of data");
  }
  out.finished = reader.finished();
  out.bare_lf = reader.saw_bare_lf();
  out.bare_cr = reader.saw_bare_cr();
  return out;
}

/// Every text of `length` letters.
template <class Visit>
void for_all_texts(std::string_view letters, std::size_t length, Visit visit) {
  std::size_t count = 1;
  for (std::size_t i = 0; i < length; ++i) count *= letters.size();
  for (std::size_t number = 0; number < count; ++number) {
    std::string text;
    for (std::size_t rest = number; text.size() < length; rest /= letters.size())
      text += letters[rest % letters.size()];
    visit(text);
  }
}

std::string stuff(std::string_view content, std::size_t piece) {
  DotStuffer stuffer;
  std::string wire;
  for (std::size_t at = 0; at < content.size(); at += piece) stuffer.write(content.substr(at, piece), wire);
  stuffer.finish(wire);
  return wire;
}

}  // namespace

TEST_CASE("the data reader agrees with its oracle on all short texts, whole and cut at every octet") {
  for (const auto mode : {BareNewline::normalize, BareNewline::no}) {
    for (std::size_t length = 1; length <= 7; ++length) {
      for_all_texts("\r\n.a", length, [&](const std::string& text) {
        const auto expected = decode_slowly(text, mode);
        bool same = decode(text, mode, length, length) == expected && decode(text, mode, 1, 1) == expected;
        for (std::size_t cut = 1; cut < length; ++cut) same = same && decode(text, mode, cut, length) == expected;
        if (!same) FAIL_CHECK("differs on " << Catch::Detail::stringify(text));
      });
    }
  }
}

TEST_CASE("SMG-01 to SMG-15: nothing but CRLF dot CRLF ends the data") {
  const std::string before = "Subject: a\r\n\r\nbody";
  const std::string behind = "MAIL FROM:<x@e.org>\r\n";
  for (const auto& sequence :
       {"\n.\n"s, "\n.\r\n"s, "\r\n.\n"s, "\r.\r"s, "\r.\r\n"s, "\n.\r"s, "\r\n.\rx"s, "\r\n.\r\r\n"s, "\r\r\n.\r\r\n"s,
        "\r\n\0.\r\n"s, "\r\n.\0\r\n"s, "\r\n.\x0b\r\n"s, "\r\n.\x0c\r\n"s, "\r\n.\x85\r\n"s, "\r\n. \r\n"s,
        "\r\n.\t\r\n"s, "\xe2\x80\xa8.\xe2\x80\xa8"s, "\xc2\x85.\xc2\x85"s, "\r\n..\r\n...\r\n"s}) {
    for (const auto mode : {BareNewline::normalize, BareNewline::reject, BareNewline::no}) {
      const auto octets = before + sequence + behind;
      CAPTURE(sequence);
      CHECK_FALSE(decode(octets, mode, octets.size(), octets.size()).finished);
      const auto whole = decode(octets + ".\r\nNOOP\r\n", mode, 1, 1);
      CHECK(whole.finished);
      CHECK(whole.used == octets.size() + 3);
      if (mode != BareNewline::no) {
        // Each CR and LF of the content belongs to a CRLF: no later hop can see another end.
        for (std::size_t i = 0; i < whole.content.size(); ++i) {
          if (whole.content[i] == '\n') CHECK((i > 0 && whole.content[i - 1] == '\r'));
          if (whole.content[i] == '\r') CHECK(whole.content.substr(i, 2) == "\r\n");
        }
      }
    }
  }
  CHECK(decode(".\r\nQUIT\r\n", BareNewline::normalize, 9, 9) == Decoded{"", 3, true});
  CHECK(decode("\r\n.\r\n", BareNewline::normalize, 9, 9).content == "\r\n");
  CHECK(decode("a\r\n..\r\n...\r\n..a\r\n.\r\n", BareNewline::normalize, 3, 3).content == "a\r\n.\r\n..\r\n.a\r\n");
  CHECK(decode("a\n.\nb\r\n.\r\n", BareNewline::normalize, 99, 99).content == "a\r\n.\r\nb\r\n");
}

TEST_CASE("SMG-16: the end of data at the end of every usual buffer") {
  for (const std::size_t size : {1024, 4096, 8192, 16384, 65536}) {
    for (std::size_t offset = size - 6; offset <= size + 1; ++offset) {
      const auto text = std::string(offset, 'x');
      const auto decoded = decode(text + "\r\n.\r\nNOOP", BareNewline::normalize, size, size);
      CHECK(decoded.finished);
      CHECK(decoded.content == text + "\r\n");
      CHECK(decoded.used == offset + 5);
    }
  }
}

TEST_CASE("the data reader tells what it saw") {
  DataReader reader(BareNewline::reject);
  std::string content;
  CHECK(reader.read("abc\r\n..def\r\n", content) == 12);
  CHECK_FALSE(reader.refused());
  CHECK_FALSE(reader.saw_nul());
  CHECK_FALSE(reader.saw_8bit());
  CHECK(reader.longest_line() == 5);
  const auto more = "\0\xc3........\n"s;
  CHECK(reader.read(more, content) == more.size());
  CHECK(reader.saw_nul());
  CHECK(reader.saw_8bit());
  CHECK(reader.saw_bare_lf());
  CHECK(reader.refused());
  DataReader with_cr(BareNewline::reject);
  CHECK(with_cr.read("a\rb\r\n.\r\n", content) == 8);
  CHECK(with_cr.refused());
  DataReader high(BareNewline::normalize);
  CHECK(high.read("12345678\xff\r\n.\r\n\xff", content) == 14);
  CHECK(high.saw_8bit());
  DataReader behind(BareNewline::normalize);
  CHECK(behind.read(".\r\n\xff\0"s, content) == 3);
  CHECK_FALSE(behind.saw_8bit());
  CHECK_FALSE(behind.saw_nul());
  DataReader long_line;
  for (int i = 0; i < 10; ++i) CHECK(long_line.read(std::string(1000, 'x'), content) == 1000);
  CHECK(long_line.longest_line() == 10000);
}

TEST_CASE("hostile text is read in linear time") {
  for (const char octet : {'\r', '\n', '.'}) {
    const std::string text(2 << 20, octet);
    DataReader reader;
    std::string content;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(reader.read(text, content) == text.size());
    std::string wire;
    DotStuffer stuffer;
    stuffer.write(text, wire);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  }
}

TEST_CASE("SMG-18, SMG-19: stuffed text has only CRLF, and one end") {
  CHECK(stuff("", 1) == ".\r\n");
  CHECK(stuff("a", 1) == "a\r\n.\r\n");
  CHECK(stuff("a\r", 1) == "a\r\n.\r\n");
  CHECK(stuff("a\r\n", 1) == "a\r\n.\r\n");
  CHECK(stuff("a\n.\nb", 1) == "a\r\n..\r\nb\r\n.\r\n");
  for (std::size_t length = 1; length <= 7; ++length) {
    for_all_texts("\r\n.a", length, [&](const std::string& text) {
      const auto wire = stuff(text, length);
      bool good = wire.find("\r\r") == std::string::npos && (wire == ".\r\n" || wire.ends_with("\r\n.\r\n"));
      good = good && wire.find("\r\n.\r\n") >= wire.size() - std::min<std::size_t>(wire.size(), 5);
      const auto back = decode(wire, BareNewline::no, wire.size(), wire.size());
      good = good && back.finished && back.used == wire.size() && back.content == canonical(text);
      good = good && !back.bare_cr && !back.bare_lf;
      for (std::size_t piece = 1; piece < length; ++piece) good = good && stuff(text, piece) == wire;
      if (!good) FAIL_CHECK("wrong for " << Catch::Detail::stringify(text) << ": " << Catch::Detail::stringify(wire));
    });
  }
}
