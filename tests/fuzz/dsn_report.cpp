// Fuzz target: delivery status notifications. Whatever a remote host wrote, the report has its three parts and good
// lines.
#include "common/dsn/report.h"
#include "common/mime/summary.h"
#include "input.h"

namespace {

bool has_good_lines(std::string_view message) {
  while (!message.empty()) {
    const auto end = message.find("\r\n");
    if (end == std::string_view::npos || end > 998) return false;
    if (message.substr(0, end).find_first_of("\r\n") != std::string_view::npos) return false;
    message.remove_prefix(end + 2);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const auto text = std::string(fuzz::text_of(data, size));
  dsn::Report report;
  report.reporting_mta = "mail.example.org";
  report.queue_id = "4bXyZ0123456";
  report.message_id = "4bXyZ0123456.1";
  report.sender = {"jim", "example.org"};
  report.envelope_id = text;
  report.returned = text;
  auto& recipient = report.recipients.emplace_back();
  recipient.final_recipient = {"u", "example.org"};
  recipient.original_recipient = text;
  recipient.remote_mta = text;
  recipient.status = text;
  recipient.reply = smtp::Reply{550, "5.1.1", text};
  const auto message = dsn::build(report);
  check(has_good_lines(message), "a line that is none");
  check(mime::summarize(message).parts.size() == 4, "a report with other parts");
  report.headers_only = false;
  check(mime::summarize(dsn::build(report)).parts.at(0).children.size() == 3, "a report with other parts");
  return 0;
}
