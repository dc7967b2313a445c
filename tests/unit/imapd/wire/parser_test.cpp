// The words of commands, and those that are none (IMP-13 to IMP-16).
#include "imapd/wire/parser.h"

#include "catch.h"
#include "imapd/wire/format.h"

using namespace facteur::imapd;

namespace {

std::string astring(std::string_view text) {
  Parser parser(text);
  auto value = parser.astring();
  parser.end();
  return parser ? value : "fault: " + parser.fault().text;
}

std::string mailbox(std::string_view text) {
  Parser parser(text);
  auto name = parser.mailbox();
  return parser ? name : parser.fault().status == Status::no ? "NO" : "BAD";
}

bool has_tag(std::string_view text) {
  Parser parser(text);
  return !parser.tag().empty() && static_cast<bool>(parser);
}

}  // namespace

TEST_CASE("Strings in their three forms") {
  CHECK(astring("abc]") == "abc]");
  CHECK(astring("\"a \\\"b\\\\\"") == "a \"b\\");
  CHECK(astring("\"\"").empty());
  CHECK(astring("{5}\r\na b\r\n") == "a b\r\n");
  CHECK(astring("{0+}\r\n").empty());
  Parser parser("NIL \"NIL\"");
  CHECK_FALSE(parser.nstring());
  parser.space();
  CHECK(parser.nstring() == "NIL");
}

TEST_CASE("IMP-13: malformed quoted strings are faults") {
  for (const std::string text : {"\"", "\"\\", "\"\\x\"", "\"a", "\"a\r\"", "\"\xc3\xa9\"", "", "(", "a\"b\"", "a b",
                                 "%", "{3}\r\nab", "{3}", "\xc3\xa9", "\x7f"}) {
    INFO(text);
    CHECK(astring(text).starts_with("fault: "));
  }
  CHECK(astring(std::string_view("\"a\0\"", 4)).starts_with("fault: "));
}

TEST_CASE("IMP-14: tags") {
  CHECK(has_tag("a1 x"));
  CHECK(has_tag("] x"));
  for (const std::string text : {"", " x", "* x", "+ x", "{ x", "(a x", "\" x", "\\ x", "% x"})
    CHECK_FALSE(has_tag(text));
  CHECK_FALSE(has_tag(std::string(10240, 'a') + " NOOP"));
  CHECK_FALSE(has_tag(std::string_view("\0 NOOP", 7)));
}

TEST_CASE("Numbers stay within 32 bits") {
  Parser good("4294967295");
  CHECK(good.number() == 4294967295U);
  for (const std::string_view text : {"4294967296", "", "-1", "18446744073709551616"}) {
    Parser parser(text);
    CHECK(parser.number() == 0);
    CHECK_FALSE(parser);
  }
}

TEST_CASE("After a fault nothing more is read and the first one is told") {
  Parser parser("x (a b");
  CHECK(parser.number() == 0);
  parser.space();
  int items = 0;
  parser.list(true, [&] { ++items, static_cast<void>(parser.atom()); });
  parser.end();
  CHECK(parser.fault().text == "Missing number");
  CHECK(items <= 1);
}

TEST_CASE("IMP-16: mailbox names have one spelling") {
  CHECK(mailbox("inBox") == "INBOX");
  CHECK(mailbox("inbox/a") == "INBOX/a");
  CHECK(mailbox("~peter/mail/&U,BTFw-/&ZeVnLIqe-") ==
        "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e");
  CHECK(mailbox("&-") == "&");
  CHECK(mailbox("&2D3cAA-") == "\xf0\x9f\x90\x80");
  for (const std::string text :
       {"&", "&AA-", "&2AA-", "&3AA-", "&AGE-", "&Jjo", "&Jjo-&Jjo-", "&AC8-", "&AC4ALg-", "&Jjp-", "&Jj-", "&J/-",
        "&Jjo=-", "&AAk-", "\"a\x7f\"", "&-&", "{2}\r\n\xc3\xa9", "\"a\tb\""}) {
    INFO(text);
    CHECK(mailbox(text) == "NO");
  }
  CHECK(mailbox(std::string(1001, 'a')) == "NO");
  CHECK(mailbox("a*") == "a");  // the rest is the caller's to refuse
  CHECK(mailbox("*") == "BAD");
}

TEST_CASE("Names are sent as they are read") {
  for (const std::string name : {"INBOX", "a b", "a\"b\\", "&", "\xc3\xa9t\xc3\xa9", "x\xf0\x9f\x90\x80y", "NIL", ""}) {
    std::string wire;
    append_mailbox(wire, name);
    INFO(wire);
    CHECK(mailbox(wire) == name);
  }
}
