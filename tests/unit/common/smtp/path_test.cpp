#include "common/smtp/path.h"

#include "catch.h"

using namespace facteur;
using namespace std::string_view_literals;
using smtp::Parameter;

TEST_CASE("paths of MAIL and RCPT") {
  struct {
    std::string_view arguments, written;
    std::size_t parameters;
  } const rows[] = {
      {"TO:<jim@minfo.sn>", "jim@minfo.sn", 0},
      {"to:<jim@minfo.sn>", "jim@minfo.sn", 0},
      {"TO: <jim@minfo.sn>", "jim@minfo.sn", 0},
      {"TO:jim@minfo.sn", "jim@minfo.sn", 0},
      {"TO: jim@minfo.sn NOTIFY=NEVER", "jim@minfo.sn", 1},
      {"TO:<jim@minfo.sn>   NOTIFY=NEVER  ORCPT=rfc822;x ", "jim@minfo.sn", 2},
      {"TO:<@a.org,@b.org:jim@minfo.sn>", "jim@minfo.sn", 0},
      {"TO:<Postmaster>", "Postmaster", 0},
      {"TO:<\"a b>\"@x.org> A", "\"a b>\"@x.org", 1},
      {"TO:<u@[127.0.0.1]>", "u@[127.0.0.1]", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.arguments);
    const auto parsed = smtp::parse_rcpt(row.arguments);
    REQUIRE(parsed);
    CHECK(parsed->path.to_string() == row.written);
    CHECK(parsed->parameters.size() == row.parameters);
    CHECK(smtp::parse_path("<" + parsed->path.to_string() + ">") == parsed->path);
  }
  CHECK(smtp::parse_mail("FROM:<>")->path.null());
  CHECK(smtp::parse_mail("FROM: <> SIZE=10")->parameters == std::vector<Parameter>{{"SIZE", "10"}});
  CHECK(smtp::parse_mail("FROM:<root>")->path.to_string() == "root");
  CHECK(smtp::parse_mail("FROM:<\xc3\xbc@x.org>")->path.needs_smtputf8());
  CHECK(smtp::parse_mail("FROM:<u@\xc3\xbc.org>")->path.needs_smtputf8());
  CHECK_FALSE(smtp::parse_mail("FROM:<u@x.org>")->path.needs_smtputf8());
}

TEST_CASE("CMD-04, CMD-11, CMD-16, CMD-17: malformed paths are refused") {
  for (const auto arguments : {"TO:"sv,
                               "TO: "sv,
                               "TO"sv,
                               ""sv,
                               "FROM:<a@b>"sv,
                               "TO :<a@b>"sv,
                               "TO:<>"sv,
                               "TO:<jim>"sv,
                               "TO:<a@b"sv,
                               "TO:a@b>"sv,
                               "TO:<<a@b>>"sv,
                               "TO:<a@b>x"sv,
                               "TO:<a@b>>"sv,
                               "TO:<a@b><c@d>"sv,
                               "TO:<@>"sv,
                               "TO:<a\0b@c>"sv,
                               "TO:<\"\0\"@x>"sv,
                               "TO:<\"a\r\nb\"@x>"sv,
                               "TO:<\">"sv,
                               "TO:<\"\">"sv,
                               "TO:<a..b@x>"sv,
                               "TO:<a@x.>"sv,
                               "TO:<\xff\xfe@x>"sv,
                               "TO:<@x.org>"sv,
                               "TO:<@x.org:>"sv,
                               "TO:<@x.org,y:a@b>"sv,
                               "TO:<@a,:b@c>"sv,
                               "TO:<u@other.org@our>"sv,
                               "TO:< a@b>"sv,
                               "TO:<a@b >"sv,
                               "TO:<(c)a@b>"sv,
                               "TO:\ta@b"sv,
                               "TO:<a@b>\tX"sv,
                               "TO:<u@our%00.other>"sv,
                               "TO:<@our:>"sv}) {
    CAPTURE(arguments);
    CHECK_FALSE(smtp::parse_rcpt(arguments));
  }
  CHECK_FALSE(smtp::parse_path("a@b"));
  CHECK_FALSE(smtp::parse_path("<a@b> "));
}

TEST_CASE("CMD-17: a path has at most 256 octets") {
  const std::string domain = std::string(63, 'd') + "." + std::string(63, 'e') + "." + std::string(60, 'f');
  const auto path = [&](std::size_t size) {
    return "TO:<" + std::string(size - 3 - domain.size(), 'l') + "@" + domain + ">";
  };
  CHECK(smtp::parse_rcpt(path(255)));
  const std::string route = "@" + std::string(60, 'r') + "." + std::string(60, 'r') + ":";
  CHECK(smtp::parse_rcpt("TO:<" + route + "a@" + domain.substr(64) + ">"));
  CHECK_FALSE(smtp::parse_rcpt("TO:<" + route + "a@" + domain + ">"));
}

TEST_CASE("parameters") {
  CHECK(smtp::parse_parameters("size=1 BODY=8BITMIME SMTPUTF8 AUTH=<>") ==
        std::vector<Parameter>{{"SIZE", "1"}, {"BODY", "8BITMIME"}, {"SMTPUTF8", std::nullopt}, {"AUTH", "<>"}});
  CHECK(smtp::parse_parameters("")->empty());
  for (const auto bad : {"="sv, "A="sv, "=A"sv, "-A"sv, "A=b=c"sv, "A=b A=c"sv, "a A"sv, "A=\x01"sv, "A=b\0"sv, "A!b"sv,
                         "A=\xff"sv, "A\tB"sv}) {
    CAPTURE(bad);
    CHECK_FALSE(smtp::parse_parameters(bad));
  }
  std::string many;
  for (std::size_t i = 0; i < smtp::max_parameters; ++i) many += " P" + std::to_string(i);
  CHECK(smtp::parse_parameters(many));
  CHECK_FALSE(smtp::parse_parameters(many + " Q"));
}

TEST_CASE("CMD-07: xtext hides no line break and no NUL") {
  CHECK(smtp::xtext_decode("a+2Bb+3Dc") == "a+b=c");
  CHECK(smtp::xtext_decode("rfc822;jim@minfo.sn") == "rfc822;jim@minfo.sn");
  CHECK(smtp::xtext_decode("+20") == " ");
  for (const auto bad : {"x+0Ay"sv, "+00"sv, "rfc822;+0D+0A"sv, "+"sv, "a+"sv, "a+2"sv, "+G1"sv, "+1G"sv, "a=b"sv,
                         "a b"sv, "+7F"sv, "+FF"sv, "\xc3\xbc"sv, "a\0"sv}) {
    CAPTURE(bad);
    CHECK_FALSE(smtp::xtext_decode(bad));
  }
  std::string all;
  for (char c = ' '; c < 0x7f; ++c) all += c;
  CHECK(smtp::xtext_decode(smtp::xtext_encode(all)) == all);
  CHECK(smtp::xtext_encode("\xc3 =+") == "+C3+20+3D+2B");
}
