#include "common/smtp/reply.h"

#include "catch.h"

using namespace facteur;
using smtp::Reply;
using smtp::ReplyParser;

namespace {

std::vector<Reply> read_all(std::string_view octets, std::size_t piece) {
  LineBuffer in;
  ReplyParser parser;
  std::vector<Reply> out;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    in.append(octets.substr(at, piece));
    for (;;) {
      const auto reply = parser.next(in);
      REQUIRE(reply);
      if (!*reply) break;
      out.push_back(**reply);
    }
  }
  return out;
}

bool refused(std::string_view octets) {
  LineBuffer in;
  in.append(octets);
  ReplyParser parser;
  for (;;) {
    const auto reply = parser.next(in);
    if (!reply) return reply.error().kind == Kind::protocol;
    if (!*reply) return false;
  }
}

}  // namespace

TEST_CASE("a reply on the wire is one line or many, the enhanced code on each") {
  CHECK(Reply{250, "2.1.0", "Ok"}.wire() == "250 2.1.0 Ok\r\n");
  CHECK(Reply{220, "", "mail.minfo.sn ESMTP"}.wire() == "220 mail.minfo.sn ESMTP\r\n");
  CHECK(Reply{250, "", "host\nPIPELINING\nSIZE 10"}.wire() == "250-host\r\n250-PIPELINING\r\n250 SIZE 10\r\n");
  CHECK(Reply{550, "5.1.1", "No\nsuch"}.wire() == "550-5.1.1 No\r\n550 5.1.1 such\r\n");
  CHECK(Reply{250, "", ""}.wire() == "250 \r\n");
  CHECK(Reply{550, "5.1.1", "No\nsuch"}.line() == "550 5.1.1 No such");
}

TEST_CASE("text from others cannot add lines to a reply or make it too long") {
  using namespace std::string_literals;
  CHECK(Reply{550, "", "a\r250 Ok\x1b[2J\0\xff"s}.wire() == "550 a?250 Ok?[2J??\r\n");
  CHECK(Reply{550, "5.0.0", std::string(5000, 'x')}.wire().size() == smtp::max_sent_line);
}

TEST_CASE("replies are read in pieces of any size") {
  const std::string octets =
      "220 host ESMTP\r\n250-host\r\n250-SIZE 10\r\n250 HELP\r\n250-2.1.5 First\r\n250 2.1.5 second\r\n250\r\n354 go\n"
      "450 4.2.0\r\n550 2.1.1 wrong class\r\n";
  const std::vector<Reply> expected{{220, "", "host ESMTP"},
                                    {250, "", "host\nSIZE 10\nHELP"},
                                    {250, "2.1.5", "First\nsecond"},
                                    {250, "", ""},
                                    {354, "", "go"},
                                    {450, "4.2.0", ""},
                                    {550, "", "2.1.1 wrong class"}};
  for (std::size_t piece = 1; piece <= octets.size(); ++piece) CHECK(read_all(octets, piece) == expected);
  for (const auto& reply : {expected[0], expected[1], expected[2]}) CHECK(read_all(reply.wire(), 3).front() == reply);
}

TEST_CASE("what is no reply is refused") {
  using namespace std::string_literals;
  for (const auto& octets :
       {"\r\n"s, "25\r\n"s, "2500 x\r\n"s, "abc d\r\n"s, "199 x\r\n"s, "650 x\r\n"s, "250+x\r\n"s,
        "250-a\r\n251 b\r\n"s, "250-a\r\n\r\n"s, "HTTP/1.1 200 OK\r\n"s, "\0\0\0\r\n"s, " 250 x\r\n"s, "250\tx\r\n"s}) {
    CAPTURE(octets);
    CHECK(refused(octets));
  }
}

TEST_CASE("a reply is bounded in lines, line length and text kept") {
  std::string lines;
  for (std::size_t i = 1; i < smtp::max_reply_lines; ++i) lines += "250-x\r\n";
  CHECK_FALSE(refused(lines + "250 x\r\n"));
  CHECK(refused(lines + "250-x\r\n250 x\r\n"));
  CHECK(refused("250 " + std::string(smtp::max_reply_line, 'x') + "\r\n"));
  CHECK(refused("250 " + std::string(smtp::max_reply_line, 'x')));
  std::string long_lines;
  for (int i = 0; i < 99; ++i) long_lines += "250-" + std::string(4000, 'x') + "\r\n";
  const auto replies = read_all(long_lines + "250 end\r\n", 4096);
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].text.size() <= smtp::max_reply_text);
}

TEST_CASE("control characters of a server do not come through") {
  using namespace std::string_literals;
  CHECK(read_all("550 a\x1b[2J\0\rb\xff\r\n"s, 100).front().text == "a?[2J??b\xff");
}

TEST_CASE("enhanced status codes") {
  for (const auto* good : {"5.1.1", "5.1.1 text", "5.123.999 text"}) {
    CAPTURE(good);
    CHECK(smtp::enhanced_code_of(550, good) == std::string_view(good).substr(0, std::string_view(good).find(' ')));
  }
  for (const auto* bad :
       {"4.1.1", "5.1", "5.1.", "5..1", "5.1.1x", "5.1234.1", "5.1.1234", "5.1.1.1", "", "5", "5.", "x.1.1", "5 1 1"}) {
    CAPTURE(bad);
    CHECK(smtp::enhanced_code_of(550, bad).empty());
  }
  CHECK(smtp::enhanced_code_of(354, "3.0.0 x").empty());
}
