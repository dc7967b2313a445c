#include "queue/daemon/log_lines.h"

#include <array>
#include <fmt/format.h>

#include "common/base/strings.h"

namespace facteur::queue {
namespace {

constexpr std::array<const char*, 3> status_words{"sent", "deferred", "bounced"};  // by Fate

/// A relay ends at the comma in the eyes of who counts lines.
std::string show_relay(std::string_view relay) {
  std::string out = printable(relay.empty() ? "none" : relay, 300);
  for (char& c : out) {
    if (c == ',' || c == ' ') c = '?';
  }
  return out;
}

}  // namespace

std::string show_delay(Milliseconds delay) {
  const double seconds = static_cast<double>(delay.count()) / 1000;
  if (delay < Milliseconds{10}) return delay < Milliseconds{5} ? "0" : "0.01";
  if (delay >= Milliseconds{9950}) return fmt::format("{:.0f}", seconds);
  return fmt::format("{:.2g}", seconds);
}

std::string show_address(std::string_view address) {
  std::string out;
  for (const char c : printable(address, 512)) {
    if (c == '<' || c == '>') {
      out += c == '<' ? "\\x3c" : "\\x3e";
    } else {
      out += c;
    }
  }
  return out;
}

std::string active_line(std::string_view queue_id, const Message& message, std::size_t recipients) {
  return fmt::format("{}: from=<{}>, size={}, nrcpt={} (queue active)", queue_id,
                     show_address(message.envelope.reverse_path), message.size(), recipients);
}

std::string delivery_line(std::string_view queue_id, const Recipient& recipient, const RecipientResult& result,
                          const Delays& delays) {
  std::string original;
  if (!recipient.original_address.empty() && !iequals(recipient.original_address, recipient.address)) {
    original = fmt::format(" orig_to=<{}>,", show_address(recipient.original_address));
  }
  return fmt::format("{}: to=<{}>,{} relay={}, delay={}, delays={}/{}/{}/{}, dsn={}, status={} ({})", queue_id,
                     show_address(recipient.address), original, show_relay(result.relay), show_delay(delays.total()),
                     show_delay(delays.before), show_delay(delays.in_queue), show_delay(delays.setup),
                     show_delay(delays.transfer), result.status, status_words.at(static_cast<std::size_t>(result.fate)),
                     result.text);
}

}  // namespace facteur::queue
