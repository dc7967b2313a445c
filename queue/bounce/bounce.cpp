#include "queue/bounce/bounce.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/dsn/report.h"
#include "common/mime/header.h"
#include "queue/format/reader.h"
#include "queue/format/writer.h"
#include "queue/spool/queue_id.h"

namespace facteur::queue {
namespace {

bool is_ascii(std::string_view octets) {
  return std::ranges::none_of(octets, [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
}

/// The address, or, where a program of ours accepted what is none, its text as a name.
address::Address address_of(const std::string& text) {
  auto parsed = address::parse(text);
  if (parsed) return *parsed;
  return {text, ""};
}

/// "mx.example.org" of "mx.example.org[192.0.2.1]:25".
std::string host_of(const std::string& relay) {
  return relay.substr(0, relay.find('['));
}

dsn::Recipient describe(const Bounced& original, const RecipientResult& result, WallTime now) {
  const auto& recipient = original.message.recipients.at(result.number - 1).recipient;
  dsn::Recipient out;
  out.final_recipient = address_of(recipient.address);
  out.original_recipient = recipient.orcpt;
  out.status = result.status;
  out.last_attempt = now;
  out.reason = result.text;
  if (!result.remote_reply) return out;
  auto reply = smtp::ReplyParser().feed(result.text);
  if (!reply || !*reply) return out;
  out.reply = std::move(**reply);
  out.remote_mta = host_of(result.relay);
  return out;
}

/// The beginning of the original: one octet more than may be returned, so that a message that is too large shows.
Result<std::string> read_returned(const Bounced& original, std::uint64_t limit, fs::Files& files) {
  auto content = Content::open(files, original.file.get());
  if (!content) return fail(content);
  const auto most = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::min<std::uint64_t>(limit, dsn::max_returned) + 1, content->size()));
  std::string octets;
  while (octets.size() < most) {
    const auto piece = content->read(octets.size(), most - octets.size());
    if (!piece) return fail(piece);
    octets += *piece;
  }
  return octets;
}

/// The fields of the header that end within so many octets.
std::string whole_fields(std::string_view octets, std::uint64_t limit) {
  const auto header = octets.substr(0, mime::header_size(octets));
  if (header.size() <= limit) return std::string(header);
  const auto begins_field = [&](std::size_t at) { return !is_wsp(header[at]) && header[at - 1] == '\n'; };
  auto end = static_cast<std::size_t>(limit);
  while (end > 0 && !begins_field(end)) --end;
  return std::string(header.substr(0, end));
}

Result<dsn::Report> make_report(const Bounced& original, const BouncePlan& plan, const std::string& queue_id,
                                const BounceFacts& facts, fs::Files& files) {
  auto returned = read_returned(original, facts.size_limit, files);
  if (!returned) return fail(returned);
  dsn::Report report;
  report.reporting_mta = facts.hostname;
  report.queue_id = original.queue_id;
  report.message_id = queue_id;
  report.arrival = WallTime(std::chrono::microseconds(original.message.envelope.arrival));
  report.time = facts.now;
  report.envelope_id = original.message.envelope.envid;
  report.sender = address_of(plan.to);
  report.headers_only = original.message.envelope.ret == Return::headers || returned->size() > facts.size_limit;
  report.returned = report.headers_only ? whole_fields(*returned, facts.size_limit) : std::move(*returned);
  for (const auto& result : original.failed) {
    if (std::ranges::find(plan.numbers, result.number) == plan.numbers.end()) continue;
    report.recipients.push_back(describe(original, result, facts.now));
  }
  return report;
}

}  // namespace

Result<std::string> build_bounce(const Bounced& original, const BouncePlan& plan, const std::string& queue_id,
                                 const BounceFacts& facts, fs::Files& files) {
  const auto report = make_report(original, plan, queue_id, facts, files);
  if (!report) return fail(report);
  const std::string content = dsn::build(*report);

  Envelope envelope;  // the null reverse-path: RFC 3464 section 2
  envelope.arrival = facts.now.time_since_epoch().count();
  envelope.client_name = facts.hostname;
  envelope.protocol = plan.to_postmaster ? double_bounce_protocol : bounce_protocol;
  envelope.body_8bit = !is_ascii(content);
  envelope.smtputf8 = !is_ascii(plan.to);
  Recipient recipient;
  recipient.address = recipient.original_address = plan.to;
  auto writer = Writer::start(envelope, {recipient});
  if (!writer) return fail(writer);
  writer->append(content);
  // RFC 5321 section 4.4: who makes a message traces it too.
  auto pieces = writer->finish("Received: by " + facts.hostname + " (Facteur)\r\n\tid " + queue_id + "; " +
                               rfc5322_time(facts.now) + "\r\n");
  std::string file = std::move(pieces.front().octets);
  return file;
}

Result<std::vector<BounceWritten>> write_bounces(Spool& spool, const Bounced& original,
                                                 const std::vector<BouncePlan>& plans, const BounceFacts& facts) {
  std::vector<BounceWritten> written;
  for (const auto& plan : plans) {
    const auto queue_id = bounce_id(original.queue_id, plan.numbers);
    const auto octets = build_bounce(original, plan, queue_id, facts);
    if (!octets) return fail(octets);
    if (auto stored = spool.write(queue_id, *octets); !stored) return fail(stored);
    written.push_back({queue_id, plan.numbers, plan.to_postmaster});
  }
  return written;
}

}  // namespace facteur::queue
