// To whom a failure is reported. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "queue/format/message.h"

namespace facteur::queue {

/// Protocols in the envelope of messages that queued writes itself.
constexpr std::string_view bounce_protocol = "internal";
constexpr std::string_view double_bounce_protocol = "internal-double";

/// One report.
struct BouncePlan {
  std::string to;
  std::vector<std::uint32_t> numbers;  ///< of the failed recipients
  bool to_postmaster = false;          ///< the sender cannot be told: postmaster is
  friend bool operator==(const BouncePlan&, const BouncePlan&) = default;
};

/// The reports that are due when the recipients of these numbers failed: one to each reverse-path. A message with a
/// null reverse-path is never answered to (RFC 5321 section 4.5.5): postmaster hears of it, once, and a report to
/// postmaster that fails ends there. NOTIFY is obeyed (RFC 3461 section 4.1).
[[nodiscard]] std::vector<BouncePlan> plan_bounces(const Message& message, std::span<const std::uint32_t> failed,
                                                   std::string_view postmaster);

}  // namespace facteur::queue
