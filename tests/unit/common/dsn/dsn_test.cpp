#include "catch.h"
#include "common/dsn/report.h"
#include "common/dsn/status.h"
#include "common/dsn/text.h"
#include "common/mime/header.h"
#include "common/mime/summary.h"

using namespace facteur;
using namespace std::string_literals;
using dsn::Report;

namespace {

Report sample() {
  Report report;
  report.reporting_mta = "mail.minfo.sn";
  report.queue_id = "4bXyZ0123456";
  report.message_id = "4bXyZ0123456.1";
  report.arrival = WallTime(std::chrono::seconds(1795352709));
  report.time = report.arrival + std::chrono::hours(1);
  report.sender = {"jim", "minfo.sn"};
  report.returned = "Received: x\r\nSubject: hello\r\n\r\nbody\r\n";
  dsn::Recipient recipient;
  recipient.final_recipient = {"nobody", "example.org"};
  recipient.status = "5.1.1";
  recipient.remote_mta = "mx.example.org";
  recipient.reply = smtp::Reply{550, "5.1.1", "No such\nuser"};
  recipient.last_attempt = report.time;
  report.recipients.push_back(recipient);
  return report;
}

std::string body_of(const std::string& message, const mime::Part& part) {
  return message.substr(part.body_begin, part.body_end - part.body_begin);
}

/// True if every line ends in CRLF, has at most 998 octets, and none holds another CR or LF or NUL.
bool has_good_lines(std::string_view message) {
  while (!message.empty()) {
    const auto end = message.find("\r\n");
    if (end == std::string_view::npos || end > 998) return false;
    if (message.substr(0, end).find_first_of("\r\n\0"s) != std::string_view::npos) return false;
    message.remove_prefix(end + 2);
  }
  return true;
}

bool is_7bit(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

TEST_CASE("a report has the three parts of RFC 3464 and says what happened") {
  const auto message = dsn::build(sample());
  CHECK(has_good_lines(message));
  CHECK(dsn::build(sample()) == message);
  const auto header = message.substr(0, mime::header_size(message));
  CHECK(mime::find_field(header, "To") == " <jim@minfo.sn>");
  CHECK(mime::find_field(header, "Auto-Submitted") == " auto-replied");
  CHECK(mime::find_field(header, "From") == " Mail Delivery System <MAILER-DAEMON@mail.minfo.sn>");
  CHECK(mime::find_field(header, "Subject") == " Undelivered Mail Returned to Sender");
  const auto summary = mime::summarize(message);
  REQUIRE(summary.parts.size() == 4);
  CHECK(summary.parts[0].subtype == "report");
  CHECK(*mime::find_parameter(summary.parts[0].parameters, "report-type") == "delivery-status");
  CHECK(body_of(message, summary.parts[1])
            .contains("<nobody@example.org>: host mx.example.org said: 550 5.1.1 No such user\r\n"));
  const auto status = body_of(message, summary.parts[2]);
  CHECK(summary.parts[2].type == "message");
  CHECK(summary.parts[2].subtype == "delivery-status");
  CHECK(status.starts_with("Reporting-MTA: dns; mail.minfo.sn\r\n"));
  CHECK(status.contains(
      "\r\n\r\nFinal-Recipient: rfc822; nobody@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
      "Remote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user\r\nLast-Attempt-Date: "));
  CHECK(summary.parts[3].subtype == "rfc822-headers");
  CHECK(body_of(message, summary.parts[3]).starts_with("Received: x\r\nSubject: hello\r\n"));
}

TEST_CASE("delays, envelope ids, original recipients, messages returned whole") {
  auto report = sample();
  report.envelope_id = "QQ314";
  report.recipients[0].action = dsn::Action::delayed;
  report.recipients[0].original_recipient = "rfc822;first@minfo.sn";
  report.recipients[0].reply.reset();
  report.recipients[0].reason = "connection timed out";
  report.recipients[0].will_retry_until = report.time;
  report.recipients[0].status = "nonsense";
  report.headers_only = false;
  auto message = dsn::build(report);
  auto summary = mime::summarize(message);
  CHECK(summary.envelope.subject.value.starts_with("Delayed Mail"));
  const auto status = body_of(message, summary.parts.at(2));
  for (const auto* line :
       {"Original-Envelope-Id: QQ314", "Original-Recipient: rfc822;first@minfo.sn", "Action: delayed",
        "Diagnostic-Code: x-facteur; connection timed out", "Will-Retry-Until: ", "Status: 4.0.0"}) {
    CHECK(status.contains(line));
  }
  CHECK(summary.parts.at(3).is_message());
  CHECK(body_of(message, summary.parts.at(3)).starts_with(report.returned.substr(0, report.returned.size() - 2)));
  report.returned += "\xff";
  message = dsn::build(report);
  CHECK(mime::summarize(message).parts.at(0).encoding == "8bit");
  CHECK(has_good_lines(message));
  report.returned += std::string(dsn::max_returned, 'x');
  CHECK(mime::summarize(dsn::build(report)).parts.at(3).subtype == "rfc822-headers");
}

TEST_CASE("REL-13: a hostile remote cannot write the report") {
  const auto boundary = "--facteur-4bXyZ0123456-0"s;
  for (const auto& hostile :
       {std::string(1 << 20, 'x'), std::string(1 << 20, ' '), "a\r\n.\r\nb"s, "\x1b[2J\0\xff"s,
        "\r\n" + boundary + "\r\nContent-Type: text/html\r\n\r\nx", boundary + "--", "\r\n\r\nContent-Type: text/html"s,
        "\xc3\xbc%s%n{}{0}"s, "\r\nAction: delivered\r\n\r\nFinal-Recipient: x"s}) {
    auto report = sample();
    auto& recipient = report.recipients[0];
    recipient.reply->text = hostile;
    recipient.remote_mta = hostile;
    recipient.original_recipient = hostile;
    report.envelope_id = hostile;
    report.returned = "Subject: " + hostile + "\r\n\r\nbody";
    const auto message = dsn::build(report);
    CHECK(message.size() < 2 * dsn::max_returned);
    CHECK(has_good_lines(message));
    CHECK(is_7bit(message));
    const auto summary = mime::summarize(message);
    REQUIRE(summary.parts.size() == 4);
    const auto status = body_of(message, summary.parts[2]);
    CHECK(status.find("\r\nAction: failed\r\n") == status.rfind("\r\nAction:"));
    recipient.reply.reset();
    recipient.reason = hostile;
    CHECK(mime::summarize(dsn::build(report)).parts.size() == 4);
    report.headers_only = false;
    CHECK(mime::summarize(dsn::build(report)).parts[0].children.size() == 3);
  }
}

TEST_CASE("every boundary that was guessed is passed over") {
  auto report = sample();
  report.returned = "X: ";
  for (int i = 0; i < 1000; ++i) report.returned += "facteur-4bXyZ0123456-" + std::to_string(i) + "\r\n ";
  CHECK(dsn::build(report).contains("\r\n--facteur-4bXyZ0123456-1000--\r\n"));
}

TEST_CASE("addresses that are not ASCII, and many recipients") {
  CHECK(dsn::typed_address({"\xc3\xbc", "x.org"}) == "utf-8; \\x{FC}@x.org");
  CHECK(dsn::typed_address({"\xf0\x9f\x93\xae\\", "x.org"}) == "utf-8; \"\\x{1F4EE}\\x{5C}\\x{5C}\"@x.org");
  CHECK(dsn::typed_address({"a b", "x.org"}) == "rfc822; \"a b\"@x.org");
  auto report = sample();
  report.recipients.resize(5000, report.recipients[0]);
  const auto message = dsn::build(report);
  CHECK(message.size() < 1000000);
  CHECK(message.contains("and 4000 more recipients."));
  report.recipients.clear();
  CHECK(mime::summarize(dsn::build(report)).parts.size() == 4);
}

TEST_CASE("status codes") {
  CHECK(dsn::is_status("5.1.1"));
  for (const auto* bad : {"", "3.1.1", "5.1", "5.1.1 ", "5.1.1 x", "x", "5.1111.1"}) CHECK_FALSE(dsn::is_status(bad));
  CHECK(dsn::status_of({550, "5.7.1", ""}) == "5.7.1");
  CHECK(dsn::status_of({550, "", ""}) == "5.0.0");
  CHECK(dsn::status_of({421, "", ""}) == "4.0.0");
  CHECK(dsn::status_of({250, "", ""}) == "2.0.0");
  CHECK(dsn::status_of({354, "", ""}) == "4.0.0");
  CHECK(dsn::describe_status("5.1.1") == "Bad destination mailbox address");
  CHECK(dsn::describe_status("4.1.99") == "Addressing problem");
  CHECK(dsn::describe_status("5.1.10") == "Recipient address has null MX");
  CHECK(dsn::describe_status("5.9.9") == "Other or undefined status");
  CHECK(dsn::describe_status("junk") == "Other or undefined status");
}
