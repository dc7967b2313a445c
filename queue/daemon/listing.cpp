#include "queue/daemon/listing.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

#include "common/base/strings.h"
#include "common/base/time.h"
#include "queue/daemon/log_lines.h"

namespace facteur::queue {
namespace {

constexpr std::size_t shown_name = 64, shown_reason = 200;  // of a file in corrupt/
constexpr std::size_t shown_recipients = 1000;              // of one message in the list
constexpr std::array<const char*, 4> standing_words{"waiting", "delivered", "failed", "replaced"};  // by Standing

WallTime arrival_of(const Message& message) {
  return WallTime(std::chrono::microseconds(message.envelope.arrival));
}

std::string show_sender(const Message& message) {
  const auto& reverse_path = message.envelope.reverse_path;
  return reverse_path.empty() ? "MAILER-DAEMON" : show_address(reverse_path);
}

}  // namespace

std::string_view list_head() {
  return "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
}

std::string list_entry(std::string_view queue_id, const Message& message, Mark mark) {
  std::string out = fmt::format("{:<12}{}{:>8} {:>20}  {}\n", queue_id, static_cast<char>(mark), message.size(),
                                syslog_time(arrival_of(message)), show_sender(message));
  std::map<std::string, std::vector<const Recipient*>> by_reason;
  for (const auto& state : message.recipients) {
    if (state.standing == Standing::pending) by_reason[state.reason].push_back(&state.recipient);
  }
  std::size_t shown = 0;
  for (const auto& [reason, recipients] : by_reason) {
    if (!reason.empty()) out += fmt::format("{:>43}({})\n", "", reason);
    for (const auto* recipient : recipients) {
      if (shown++ < shown_recipients) out += fmt::format("{:>43}{}\n", "", show_address(recipient->address));
    }
  }
  if (shown > shown_recipients) out += fmt::format("{:>43}and {} more\n", "", shown - shown_recipients);
  return out + "\n";
}

std::string corrupt_entry(std::string_view name, std::uint64_t size, std::int64_t changed, std::string_view why) {
  return fmt::format("{:<12}{}{:>8} {:>20}  ({})\n\n", printable(name, shown_name), static_cast<char>(Mark::corrupt),
                     size, syslog_time(WallTime(Seconds(changed))), printable(why, shown_reason));
}

std::string list_foot(std::uint64_t octets, std::uint64_t messages, std::uint64_t corrupt) {
  const auto plural = [](std::uint64_t count) { return count == 1 ? "" : "s"; };
  std::string out = "Mail queue is empty\n";
  if (messages > 0)
    out = fmt::format("-- {} Kbytes in {} Request{}.\n", (octets + 1023) / 1024, messages, plural(messages));
  if (corrupt > 0)
    out +=
        fmt::format("-- {} file{} in corrupt/ (#): never delivered, kept to be looked at.\n", corrupt, plural(corrupt));
  return out;
}

std::string describe_message(std::string_view queue_id, const Message& message, Mark mark) {
  const auto& envelope = message.envelope;
  std::string out = fmt::format("queue id: {}\nstate: {}\nsize: {}\narrival: {}\nsender: <{}>\n", queue_id,
                                mark == Mark::active    ? "in delivery"
                                : mark == Mark::hold    ? "on hold"
                                : mark == Mark::corrupt ? "set aside in corrupt/"
                                                        : "waiting",
                                message.size(), iso_time(arrival_of(message)), show_address(envelope.reverse_path));
  out += fmt::format("client: {}[{}] helo={} protocol={}\n", printable(envelope.client_name, 255),
                     printable(envelope.client_address, 64), printable(envelope.helo, 255),
                     printable(envelope.protocol, 32));
  if (!envelope.login.empty()) out += fmt::format("login: {}\n", printable(envelope.login, 255));
  if (message.next_attempt > 0) {
    out += fmt::format("next attempt: {}\n", iso_time(WallTime(std::chrono::microseconds(message.next_attempt))));
  }
  for (const auto& state : message.recipients) {
    out += fmt::format("recipient {}: <{}> {}", state.recipient.number, show_address(state.recipient.address),
                       standing_words.at(static_cast<std::size_t>(state.standing)));
    if (state.recipient.parent != 0) out += fmt::format(" (for recipient {})", state.recipient.parent);
    out += state.reason.empty() ? "\n" : fmt::format(": {} {}\n", state.status, state.reason);
  }
  return out;
}

}  // namespace facteur::queue
