#include "common/mime/header.h"

#include "catch.h"
#include "common/mime/parameters.h"

using namespace facteur;
using namespace std::string_literals;
using mime::Parameters;

TEST_CASE("fields, folds, line ends of both kinds, and lines that are no field") {
  const auto header = "From : a\r\nno colon\r\n\tfolded : x\r\nSubject:one\r\n two\n three\nX:\r\n\r\nBody: no\r\n"s;
  mime::Fields fields(header);
  const auto from = fields.next();
  CHECK(from->name == "From");
  CHECK(from->body == " a");
  CHECK(from->raw == "From : a\r\n");
  const auto nameless = fields.next();
  CHECK(nameless->name.empty());
  CHECK(nameless->raw == "no colon\r\n\tfolded : x\r\n");
  const auto subject = fields.next();
  CHECK(subject->body == "one\r\n two\n three");
  CHECK(mime::unfold(subject->body) == "one two three");
  CHECK(fields.next()->body.empty());
  CHECK_FALSE(fields.next());
  CHECK(header.substr(mime::header_size(header)) == "Body: no\r\n");
}

TEST_CASE("MIM-14: odd headers") {
  CHECK(mime::header_size("") == 0);
  CHECK(mime::header_size("\r\nbody") == 2);
  CHECK(mime::header_size("A: b") == 4);
  CHECK(mime::header_size("A: b\n\nbody") == 6);
  CHECK(mime::header_size("A: b\r\n \r\n\r\nbody") == 11);
  CHECK_FALSE(mime::find_field("From\0: a\r\n"s, "From"));
  CHECK(mime::find_field("from: a\r\nFROM: b\r\n", "From") == " a");
  CHECK_FALSE(mime::find_field("A: b\r\n\r\nFrom: a\r\n", "From"));
  CHECK_FALSE(mime::find_field("", "From"));
  mime::Fields starts_folded(" From: x\r\nA: b\r\n");
  CHECK(starts_folded.next()->name.find("From") != 0);
  mime::Fields no_end("A: b");
  CHECK(no_end.next()->body == " b");
  CHECK_FALSE(no_end.next());
}

TEST_CASE("the fields of BODY[HEADER.FIELDS]") {
  const std::string header = "To: a\r\nSubject: x\r\n y\r\nto: b\r\nodd\r\nDate: d\r\n\r\nbody";
  CHECK(mime::select_fields(header, {"TO", "Subject"}, true) == "To: a\r\nSubject: x\r\n y\r\nto: b\r\n\r\n");
  CHECK(mime::select_fields(header, {"TO", "Subject"}, false) == "odd\r\nDate: d\r\n\r\n");
  CHECK(mime::select_fields(header, {}, true) == "\r\n");
  CHECK(mime::select_fields("To: a", {"to"}, true) == "To: a\r\n\r\n");
}

TEST_CASE("SMG-21, MIM-15: where fields on top need an empty line behind them") {
  for (const auto& good : {"Subject: x\r\n"s, "\r\nbody"s, "\nbody"s, ""s, "X-1: \r\n"s, "From: x\r\n"s, "a :b\r\n"s}) {
    CAPTURE(good);
    CHECK(mime::begins_with_field(good));
  }
  for (const auto& bad :
       {" folded: x\r\n"s, "\tx\r\n"s, "hello\r\nA: b\r\n"s, "From jim@x Sun Nov 22 13:05:09 2026\r\n"s,
        ">From x: y\r\n"s, ": x\r\n"s, "a b: c\r\n"s, "\xc3\xbc: x\r\n"s, "a\0: b\r\n"s, "x"s}) {
    CAPTURE(bad);
    CHECK_FALSE(mime::begins_with_field(bad));
  }
}

TEST_CASE("Content-Type and its parameters") {
  const auto type = mime::parse_content_type(
      " text/plain (a comment); charset=us-ascii; name=\"a; \\\"b\\\".txt\" ; x = y (c); ; bad; =z; last=a/b\r\n");
  REQUIRE(type);
  CHECK(type->type == "text");
  CHECK(type->subtype == "plain");
  CHECK(type->parameters == Parameters{{"charset", "us-ascii"}, {"name", "a; \"b\".txt"}, {"x", "y"}, {"last", "a/b"}});
  CHECK(*mime::find_parameter(type->parameters, "CHARSET") == "us-ascii");
  CHECK(mime::find_parameter(type->parameters, "chars") == nullptr);
  CHECK(mime::parse_content_type("multipart/mixed;\r\n\tboundary=\"a b\"")->parameters ==
        Parameters{{"boundary", "a b"}});
  for (const auto* bad : {"", "text", "text/", "/plain", ";", "text;/plain", "(", "\"text\"/plain", "text/;x=y"}) {
    CAPTURE(bad);
    CHECK_FALSE(mime::parse_content_type(bad));
  }
}

TEST_CASE("parameters are bounded and never read past the end") {
  std::string many = "a/b";
  for (int i = 0; i < 1000; ++i) many += "; p=v";
  CHECK(mime::parse_content_type(many)->parameters.size() == mime::max_parameters);
  for (const auto* cut :
       {"a/b;", "a/b; x", "a/b; x=", "a/b; x=\"", "a/b; x=\"\\", "a/b; x=(", "a/b; x=y(\\", "a/b (", "a/b \""}) {
    CAPTURE(cut);
    CHECK(mime::parse_content_type(cut));
  }
  CHECK(mime::parse_content_type("a/b" + std::string(1 << 20, ';')));
  CHECK(mime::parse_content_type("a/b;" + std::string(1 << 20, '(')));
}
