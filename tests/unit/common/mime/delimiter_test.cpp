// Lines between the parts of a multipart: which are, which only look like it.

#include "common/mime/delimiter.h"

#include "catch.h"

using namespace facteur;
using mime::Delimiter;

namespace {

std::string boundary_in(std::string_view content_type) {
  const auto type = mime::parse_content_type(content_type);
  REQUIRE(type);
  return mime::boundary_of(type->parameters);
}

}  // namespace

TEST_CASE("a delimiter is two dashes and the boundary, a closing one has two more") {
  CHECK(mime::match_delimiter("--b", "b") == Delimiter::next);
  CHECK(mime::match_delimiter("--b--", "b") == Delimiter::close);
  CHECK(mime::match_delimiter("----", "--") == Delimiter::next);
  CHECK(mime::match_delimiter("------", "--") == Delimiter::close);
  // One boundary is another and two dashes: the line is the close of the one and the next of the other.
  CHECK(mime::match_delimiter("--b--", "b--") == Delimiter::next);
}

TEST_CASE("what has more or less than the boundary, or another case, is none") {
  for (const auto* line : {"--", "--B", "--bb", "--b-", "--b---", "--b--x", "--b x", "-- b", "--\xe9"}) {
    INFO(line);
    CHECK(mime::match_delimiter(line, "b") == Delimiter::none);
  }
  CHECK(mime::match_delimiter("--b", "bb") == Delimiter::none);
  CHECK(mime::match_delimiter("--b", "b ") == Delimiter::none);
}

TEST_CASE("an empty boundary matches nothing, not even two dashes alone") {
  CHECK(mime::match_delimiter("--", "") == Delimiter::none);
  CHECK(mime::match_delimiter("----", "") == Delimiter::none);
}

TEST_CASE("a boundary is taken as it is written, without white space at its end") {
  CHECK(boundary_in("multipart/mixed; boundary=b") == "b");
  CHECK(boundary_in("multipart/mixed; BOUNDARY=\"a b = (c); \\\"d\"") == "a b = (c); \"d");
  CHECK(boundary_in("multipart/mixed; boundary=\" b \t \"") == " b");
  CHECK(boundary_in("multipart/mixed; boundary=one; boundary=two") == "one");
  CHECK(boundary_in("multipart/mixed; boundary=\"\xe9\"") == "\xe9");
}

TEST_CASE("a boundary that cannot be used is none") {
  CHECK(boundary_in("multipart/mixed").empty());
  CHECK(boundary_in("multipart/mixed; boundary=").empty());
  CHECK(boundary_in("multipart/mixed; boundary=\"\"").empty());
  CHECK(boundary_in("multipart/mixed; boundary=\" \t\"").empty());
  const std::string longest(mime::max_boundary, 'b');
  CHECK(boundary_in("multipart/mixed; boundary=" + longest) == longest);
  CHECK(boundary_in("multipart/mixed; boundary=" + longest + "b").empty());
}
