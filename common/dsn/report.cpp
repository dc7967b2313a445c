#include "common/dsn/report.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>
#include <string_view>

#include "common/address/grammar.h"
#include "common/dsn/status.h"
#include "common/dsn/text.h"
#include "common/mime/header.h"

namespace facteur::dsn {
namespace {

struct ActionWords {
  std::string_view name;     ///< in the Action field
  std::string_view subject;  ///< of the report
  std::string_view opening;  ///< what it says to people
  std::string_view status;   ///< where none was given
};
/// By Action.
constexpr std::array<ActionWords, 5> action_words{
    {{"failed", "Undelivered Mail Returned to Sender",
      "Your message could not be delivered to the recipients below. No further attempt will be made.", "5.0.0"},
     {"delayed", "Delayed Mail (still being retried)",
      "Your message could not yet be delivered to the recipients below. It is kept and tried again.", "4.0.0"},
     {"delivered", "Successful Mail Delivery Report", "Your message was delivered to the recipients below.", "2.0.0"},
     {"relayed", "Successful Mail Delivery Report",
      "Your message was handed to mail systems that will send no further report, for the recipients below.", "2.0.0"},
     {"expanded", "Successful Mail Delivery Report", "Your message was sent on to the lists below.", "2.0.0"}}};

const ActionWords& words_of(Action action) {
  return action_words[static_cast<std::size_t>(action)];
}

/// The worst that happened decides what the report is called: the order of Action.
Action overall(const Report& report) {
  Action out = report.recipients.empty() ? Action::failed : Action::expanded;
  for (const auto& recipient : report.recipients) out = std::min(out, recipient.action);
  return out;
}

std::span<const Recipient> described(const Report& report) {
  return std::span(report.recipients).first(std::min(report.recipients.size(), max_report_recipients));
}

std::string diagnostic_of(const Recipient& recipient) {
  return safe_text(recipient.reply ? recipient.reply->line() : recipient.reason, max_diagnostic);
}

std::string explain(const Recipient& recipient) {
  auto text = safe_text(fmt::format("<{}>: ", recipient.final_recipient.to_string()), max_diagnostic) + " ";
  const auto diagnostic = diagnostic_of(recipient);
  if (recipient.reply && !recipient.remote_mta.empty()) {
    text += fmt::format("host {} said: ", safe_text(recipient.remote_mta, address::max_domain));
  }
  text += diagnostic.empty() ? std::string(describe_status(recipient.status)) : diagnostic;
  return paragraph(text, "    ");
}

std::string text_part(const Report& report) {
  auto out = fmt::format(
      "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
      "This is the mail system at host {}.\r\n\r\n{}\r\n",
      report.reporting_mta, paragraph(words_of(overall(report)).opening));
  for (const auto& recipient : described(report)) out += explain(recipient) + "\r\n";
  const auto more = report.recipients.size() - described(report).size();
  if (more > 0) out += fmt::format("and {} more recipients.\r\n\r\n", more);
  out += fmt::format("The message arrived here on {}\r\nand was known as {}.\r\n", rfc5322_time(report.arrival),
                     report.queue_id);
  return out;
}

/// Per-recipient fields (RFC 3464 section 2.3).
std::string status_of_recipient(const Recipient& recipient) {
  std::string out = "\r\n";
  if (!recipient.original_recipient.empty()) {
    out += field("Original-Recipient", safe_text(recipient.original_recipient, max_diagnostic));
  }
  out += field("Final-Recipient", typed_address(recipient.final_recipient));
  out += field("Action", words_of(recipient.action).name);
  out += field("Status", is_status(recipient.status) ? recipient.status : words_of(recipient.action).status);
  if (!recipient.remote_mta.empty()) {
    out += field("Remote-MTA", "dns; " + safe_text(recipient.remote_mta, address::max_domain));
  }
  if (const auto diagnostic = diagnostic_of(recipient); !diagnostic.empty()) {
    out += field("Diagnostic-Code", (recipient.reply ? "smtp; " : "x-facteur; ") + diagnostic);
  }
  if (recipient.last_attempt) out += field("Last-Attempt-Date", rfc5322_time(*recipient.last_attempt));
  if (recipient.will_retry_until) out += field("Will-Retry-Until", rfc5322_time(*recipient.will_retry_until));
  return out;
}

/// Per-message fields (RFC 3464 section 2.2) and those of each recipient.
std::string status_part(const Report& report) {
  std::string out = "Content-Type: message/delivery-status\r\n\r\n";
  out += field("Reporting-MTA", "dns; " + report.reporting_mta);
  if (!report.envelope_id.empty()) out += field("Original-Envelope-Id", safe_text(report.envelope_id, max_diagnostic));
  out += field("X-Facteur-Queue-ID", report.queue_id);
  out += field("Arrival-Date", rfc5322_time(report.arrival));
  for (const auto& recipient : described(report)) out += status_of_recipient(recipient);
  return out;
}

bool returns_message(const Report& report) {
  return !report.headers_only && report.returned.size() <= max_returned;
}

/// Empty if there is nothing to return: the part may be left out (RFC 6522 section 3).
std::string returned_part(const Report& report) {
  if (!returns_message(report)) {
    const auto header = std::string_view(report.returned).substr(0, mime::header_size(report.returned));
    if (header.empty()) return {};
    return "Content-Type: text/rfc822-headers\r\n\r\n" + safe_header(header, max_returned);
  }
  const auto* encoding = address::is_ascii(report.returned) ? "" : "Content-Transfer-Encoding: 8bit\r\n";
  auto out = fmt::format("Content-Type: message/rfc822\r\n{}\r\n", encoding) + report.returned;
  return out.ends_with("\r\n") ? out : out + "\r\n";
}

/// A boundary that stands nowhere in the parts, whatever they hold (RFC 2046 section 5.1.1). The same parts give the
/// same.
std::string boundary_for(const Report& report, const std::array<std::string, 3>& parts) {
  for (std::size_t number = 0;; ++number) {
    auto out = fmt::format("facteur-{}-{}", report.queue_id, number);
    if (std::ranges::none_of(parts, [&](const auto& part) { return part.contains(out); })) return out;
  }
}

std::string header(const Report& report, std::string_view boundary) {
  auto out = field("Date", rfc5322_time(report.time));
  out += field("From", fmt::format("Mail Delivery System <MAILER-DAEMON@{}>", report.reporting_mta));
  out += fmt::format("To: <{}>\r\n", report.sender.to_string());
  out += field("Subject", words_of(overall(report)).subject);
  out += field("Message-ID", fmt::format("<{}@{}>", report.message_id, report.reporting_mta));
  out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  if (returns_message(report) && !address::is_ascii(report.returned)) out += "Content-Transfer-Encoding: 8bit\r\n";
  return out + fmt::format("Content-Type: multipart/report; report-type=delivery-status;\r\n    boundary=\"{}\"\r\n",
                           boundary);
}

}  // namespace

std::string build(const Report& report) {
  const std::array<std::string, 3> parts{text_part(report), status_part(report), returned_part(report)};
  const auto boundary = boundary_for(report, parts);
  auto out = header(report, boundary) + "\r\nThis is a delivery status notification in MIME format.\r\n";
  for (const auto& part : parts) {
    if (!part.empty()) out += fmt::format("\r\n--{}\r\n{}", boundary, part);
  }
  return out + fmt::format("\r\n--{}--\r\n", boundary);
}

}  // namespace facteur::dsn
