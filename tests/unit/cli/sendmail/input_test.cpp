// The end of the message on stdin, and its line ends.
#include "cli/sendmail/input.h"

#include "catch.h"

using namespace facteur::cli::sendmail;

namespace {

/// The content, whatever pieces the octets come in.
std::string read(std::string_view octets, bool dot_ends = true) {
  Input whole(dot_ends, 0);
  if (whole.feed(octets)) whole.finish();
  Input single(dot_ends, 0);
  bool more = true;
  for (std::size_t i = 0; more && i < octets.size(); ++i) more = single.feed(octets.substr(i, 1));
  if (more) single.finish();
  CHECK(single.content() == whole.content());
  return whole.content();
}

}  // namespace

TEST_CASE("A dot alone ends the message, with LF and with CRLF") {
  CHECK(read("a\n.\nb\n") == "a\n");
  CHECK(read("a\r\n.\r\nb\r\n") == "a\n");
  CHECK(read("a\n.") == "a\n");
  CHECK(read("a\n..\n. \n.b\n") == "a\n..\n. \n.b\n");
}

TEST_CASE("With -i a dot is text") {
  CHECK(read("a\n.\nb\n", false) == "a\n.\nb\n");
}

TEST_CASE("Line ends become LF") {
  CHECK(read("a\r\nb\nc") == "a\nb\nc\n");
  CHECK(read("Subject: x\rBcc: y@a.test\n\n") == "Subject: x\nBcc: y@a.test\n\n");
  CHECK(read("a\r\r\nb\n") == "a\n\nb\n");
  CHECK(read("") == "");
}

TEST_CASE("The From line of an mbox is dropped on top only") {
  CHECK(read("From jim Sun Nov 22 13:05:09 2026\nSubject: x\n\nFrom here\n") == "Subject: x\n\nFrom here\n");
}

TEST_CASE("The limit counts CRLF and holds for a line without end") {
  Input fits(true, 6);
  CHECK(fits.feed("a\nb\n"));
  CHECK_FALSE(fits.too_large());
  Input over(true, 5);
  CHECK_FALSE(over.feed("a\nb\n"));
  CHECK(over.too_large());
  Input endless(true, 10);
  CHECK(endless.feed("0123456789"));
  CHECK_FALSE(endless.feed("0"));
  CHECK(endless.too_large());
  Input last(true, 3);
  CHECK(last.feed("abc"));
  last.finish();
  CHECK(last.too_large());
}

TEST_CASE("What stands behind the dot is not counted") {
  Input input(true, 4);
  CHECK_FALSE(input.feed("a\n.\n0123456789\n0123456789"));
  CHECK_FALSE(input.too_large());
  CHECK(input.content() == "a\n");
}
