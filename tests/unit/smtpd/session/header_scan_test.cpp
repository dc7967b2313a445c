#include "smtpd/session/header_scan.h"

#include <catch.h>

#include "smtpd/session/trace.h"

using namespace facteur::smtpd;

namespace {

HeaderScan scan(std::string_view content, std::size_t piece) {
  HeaderScan scan;
  for (std::size_t i = 0; i < content.size(); i += piece) scan.feed(content.substr(i, piece));
  scan.finish();
  return scan;
}

}  // namespace

TEST_CASE("fields are found, whatever the pieces") {
  const std::string content =
      "Received: a\r\n\tReceived: folded\r\nRECEIVED \t: b\r\nReceivedX: no\r\nDate: x\r\n\r\nMessage-ID: body\r\n";
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
    const auto found = scan(content, piece);
    CHECK(found.received() == 2);
    CHECK(found.has_date());
    CHECK(!found.has_message_id());
    CHECK(found.begins_with_header());
  }
}

TEST_CASE("the header ends at the first line that is none") {
  CHECK(scan("A: b\r\nno field\r\nReceived: x\r\n", 5).received() == 0);
  CHECK(scan("Received: x", 5).received() == 1);  // no line end at the end
  CHECK(!scan(std::string(100'000, 'a') + ": b\r\n", 4096).begins_with_header());
  CHECK(scan("A:" + std::string(100'000, 'a') + "\r\nReceived: x\r\n", 4096).received() == 1);
}

TEST_CASE("names of fields") {
  CHECK(field_name("Subject: x") == "Subject");
  CHECK(field_name("Subject \t:x") == "Subject");
  CHECK(field_name("Sub ject: x").empty());
  CHECK(field_name("no colon").empty());
  CHECK(field_name(":").empty());
  CHECK(field_name("B\xfc: x").empty());
}

TEST_CASE("CMD-31: strangers' text in a header field") {
  CHECK(neutral("mail.example.org") == "mail.example.org");
  CHECK(neutral("[IPv6:2001:db8::1]") == "[IPv6:2001:db8::1]");
  CHECK(neutral("a) b\n(\"\\;\xff") == "a??b??????");
  CHECK(neutral(std::string(1000, 'a')).size() == 255);
}
