// Delivery status notifications (RFC 3464): the message that tells a sender what became of his. All of it that
// strangers wrote, replies and returned headers, comes in bounded and escaped, so that none of it can pass for our own
// words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address/address.h"
#include "common/base/time.h"
#include "common/smtp/reply.h"

namespace facteur::dsn {

/// Octets of the returned message or header (bounce_size_limit of postconf(5)), and of one diagnostic text.
constexpr std::size_t max_returned = 50000;
constexpr std::size_t max_diagnostic = 1000;
/// Recipients that one report describes; of more it says only how many they are.
constexpr std::size_t max_report_recipients = 1000;

/// RFC 3464 section 2.3.3.
enum class Action : std::uint8_t { failed, delayed, delivered, relayed, expanded };

/// What became of one recipient.
struct Recipient {
  address::Address final_recipient;
  std::string original_recipient;  ///< decoded ORCPT, "rfc822;jim@minfo.sn"; empty if none was given
  Action action = Action::failed;
  std::string status;                ///< "5.1.1"
  std::string remote_mta;            ///< host that gave the reply; empty if the reason is ours
  std::optional<smtp::Reply> reply;  ///< its reply …
  std::string reason;                ///< … or our own words
  std::optional<WallTime> last_attempt;
  std::optional<WallTime> will_retry_until;  ///< for delayed ones
};

/// Everything that a report says.
struct Report {
  std::string reporting_mta;  ///< our host name
  std::string queue_id;       ///< of the message that is reported
  std::string message_id;     ///< left part of the report's own Message-ID: letters, digits, dots
  WallTime arrival;           ///< of that message
  WallTime time;              ///< of the report
  std::string envelope_id;    ///< decoded ENVID; empty if none was given
  address::Address sender;    ///< whom the report goes to: the reverse-path, or the postmaster
  std::vector<Recipient> recipients;
  std::string returned;      ///< the message with CRLF line ends, or as much of it as there is at hand; empty: no part
  bool headers_only = true;  ///< return its header only; so does a message over max_returned
};

/// The report as a message with CRLF line ends; send it with the null reverse-path (RFC 3464 section 2). The same
/// report gives the same octets. 7-bit but for a message that is returned whole, and a sender whose address is not
/// ASCII.
[[nodiscard]] std::string build(const Report& report);

}  // namespace facteur::dsn
