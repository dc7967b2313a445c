// From added, Bcc removed.
#include "cli/sendmail/header.h"

#include "catch.h"
#include "cli/sendmail/caller.h"
#include "common/mime/encoded_word.h"
#include "common/mime/header.h"

using namespace facteur;
using namespace facteur::cli::sendmail;

TEST_CASE("Bcc goes with all its folded lines, in any case, every one of them") {
  CHECK(rewrite_header("From: j@a.test\nBCC: x@a.test,\n y@a.test,\n\tz@a.test\nTo: a@a.test\nbcc : q@a.test\n"
                       "Resent-Bcc: r@a.test\nReturn-Path: <p@a.test>\nContent-Length: 3\n\nBcc: in the body\n",
                       "From: me") == "From: j@a.test\nTo: a@a.test\n\nBcc: in the body\n");
}

TEST_CASE("Bcc at the end of a message without a body") {
  CHECK(rewrite_header("From: j@a.test\nBcc: x@a.test\n", "From: me") == "From: j@a.test\n");
}

TEST_CASE("A header that runs into the body is closed before the first line that is no field") {
  CHECK(close_header("To: a\nSubject: x\nhello there\n\nb\n") == "To: a\nSubject: x\n\nhello there\n\nb\n");
  CHECK(close_header("To: a,\n b\nhello\n") == "To: a,\n b\n\nhello\n");
  CHECK(close_header("To: a\nDear Bob: hello\nBcc: x\n") == "To: a\n\nDear Bob: hello\nBcc: x\n");
  CHECK(close_header("To: a\n: x\n") == "To: a\n\n: x\n");
  CHECK(close_header("To: a\nJ\xc3\xbcrgen: x\n") == "To: a\n\nJ\xc3\xbcrgen: x\n");
  CHECK(close_header("To: a\nhello") == "To: a\n\nhello");
  CHECK(close_header("hello\nthere: x\n") == "\nhello\nthere: x\n");
  CHECK(close_header(" folded: x\n") == "\n folded: x\n");
  for (const char* good : {"", "\n", "To: a", "To: a\n", "To: a\n\nhello\n", "To : a\n\tb\n\n: x\n", "\nTo: a\n"}) {
    CHECK(close_header(good) == good);
  }
}

TEST_CASE("From is added where there is none") {
  CHECK(rewrite_header("Subject: x\n\nb\n", "From: me") == "From: me\nSubject: x\n\nb\n");
  CHECK(rewrite_header("\nb\n", "From: me") == "From: me\n\nb\n");
  CHECK(rewrite_header("", "From: me") == "From: me\n");
  CHECK(rewrite_header("fROM: j\n\n", "From: me") == "fROM: j\n\n");
}

TEST_CASE("A text without a header becomes a body") {
  CHECK(rewrite_header(close_header("hello\nthere: x\n"), "From: me") == "From: me\n\nhello\nthere: x\n");
  CHECK(rewrite_header(close_header(" folded: x\n"), "From: me") == "From: me\n\n folded: x\n");
}

TEST_CASE("The name in From is quoted where it must be") {
  CHECK(from_field("", "j@a.test") == "From: j@a.test");
  CHECK(from_field("Jim Doe", "j@a.test") == "From: Jim Doe <j@a.test>");
  CHECK(from_field("Jim \"J\" Doe, Esq.", "j@a.test") == "From: \"Jim \\\"J\\\" Doe, Esq.\" <j@a.test>");
  CHECK(from_field("Jim\nBcc: x@a.test", "j@a.test") == "From: j@a.test");
  CHECK(from_field("Jim \xff", "j@a.test") == "From: j@a.test");
}

TEST_CASE("A name beyond ASCII is made of encoded words of at most 75 characters") {
  std::string name;
  for (int i = 0; i < 30; ++i) name += "J\xc3\xbcrgen";
  const auto field = from_field(name, "j@a.test");
  for (std::size_t at = 0; at < field.size();) {
    const auto end = std::min(field.find('\n', at), field.size());
    CHECK(end - at <= 78 + 12);
    at = end + 1;
  }
  const auto decoded = mime::decode_encoded_words(mime::unfold(field));
  CHECK(decoded == "From: " + name + " <j@a.test>");
}

TEST_CASE("The full name of a GECOS field") {
  CHECK(gecos_name("Jim Doe,Room 3,,", "jim") == "Jim Doe");
  CHECK(gecos_name("& Doe", "jim") == "Jim Doe");
  CHECK(gecos_name("", "jim").empty());
}
