// Recipients of the command line and of the header.
#include "cli/sendmail/recipients.h"

#include "catch.h"
#include "cli/sendmail/header.h"

using namespace facteur::cli::sendmail;
using List = std::vector<std::string>;

namespace {

List header(std::string_view message) {
  Recipients recipients("home.test");
  REQUIRE(recipients.add_from_header(message));
  return recipients.all();
}

}  // namespace

TEST_CASE("Names without a domain are of this place") {
  CHECK(*qualify("jim", "home.test") == "jim@home.test");
  CHECK(*qualify("<jim@a.test>", "home.test") == "jim@a.test");
  CHECK(*qualify("<>", "home.test") == "");
  CHECK(*qualify("", "home.test") == "");
  CHECK_FALSE(qualify("jim@a.test> SIZE=1", "home.test"));
  CHECK_FALSE(qualify("jim\r\nDATA", "home.test"));
}

TEST_CASE("Lists, display names and groups are read, doubles once") {
  Recipients recipients("home.test");
  REQUIRE(recipients.add("alice, Bob <bob@a.test>, team: c@a.test, d;, \"a b\"@a.test, bob@A.TEST"));
  CHECK(recipients.all() == List{"alice@home.test", "bob@a.test", "c@a.test", "d@home.test", "\"a b\"@a.test"});
}

TEST_CASE("A recipient that is no address is refused, and named") {
  for (const auto* bad : {"a@b@c.test", "a b c@", "alice bob", "x@a..test", "good@a.test, @a.test"}) {
    CAPTURE(bad);
    Recipients recipients("home.test");
    const auto added = recipients.add(bad);
    REQUIRE_FALSE(added);
    CHECK(added.error().text.contains("is no address"));
  }
}

TEST_CASE("No recipient can break out of its command") {
  for (const auto* bad :
       {"a@b.test> RCPT TO:<c@d.test", "a@b.test\r\nDATA\r\n", "\"a\r\nb\"@c.test", "<a@b.test>\nQUIT"}) {
    CAPTURE(bad);
    Recipients recipients("home.test");
    (void)recipients.add(bad);
    for (const auto& one : recipients.all()) CHECK(one.find_first_of("\r\n<>") == std::string::npos);
  }
}

TEST_CASE("-t takes To, Cc and Bcc, folded, in any case, more than one") {
  CHECK(header("TO: a@a.test,\n b@a.test\nSubject: to: x@a.test\ncc : c@a.test\nBcc: d@a.test\nTo: e@a.test\n\n"
               "Bcc: body@a.test\n") == List{"a@a.test", "b@a.test", "c@a.test", "d@a.test", "e@a.test"});
  CHECK(header("To: undisclosed-recipients:;\nCc:\nBcc: d@a.test\n").size() == 1);
  CHECK(header(close_header("no header here\nTo: a@a.test\n")).empty());
  CHECK(header(close_header("To: a@a.test\nno field\nBcc: b@a.test\n")) == List{"a@a.test"});
}

TEST_CASE("Resent fields replace the others") {
  CHECK(header("Resent-To: r@a.test\nResent-Bcc: s@a.test\nTo: a@a.test\nBcc: b@a.test\n\n") ==
        List{"r@a.test", "s@a.test"});
}

TEST_CASE("REL-18: a hundred thousand recipients are refused, ten thousand are not") {
  std::string text = "Bcc: u@a.test";
  for (int i = 1; i < 10000; ++i) text += ",\n u" + std::to_string(i) + "@a.test";
  CHECK(header(text + "\n\n").size() == max_recipients);
  for (int i = 10000; i < 100000; ++i) text += ",\n u" + std::to_string(i) + "@a.test";
  Recipients recipients("home.test");
  CHECK_FALSE(recipients.add_from_header(text + "\n\n"));
  Recipients fields("home.test");
  std::string many;
  for (int i = 0; i <= 10000; ++i) many += "To: u" + std::to_string(i) + "@a.test\n";
  CHECK_FALSE(fields.add_from_header(many));
}
