// What another process says became of recipients, made fit for the log, the queue file and a bounce.
#pragma once

#include <string>
#include <string_view>

#include "common/base/time.h"
#include "queue/doors.h"

namespace facteur::queue {

/// Printable ASCII of at most max_reason octets; what is that already stays as it is.
[[nodiscard]] std::string one_line(std::string_view text);

/// The result with its texts bounded and escaped, and with a status code of the class of its fate (RFC 3463 section 2):
/// one that contradicts it, or is none, becomes "x.0.0".
[[nodiscard]] RecipientResult sane(RecipientResult result);

/// A result that this process found itself.
[[nodiscard]] RecipientResult own_result(std::uint32_t number, Fate fate, std::string_view status,
                                         std::string_view text);

/// When an attempt was made and how long its parts took.
struct AttemptTimes {
  MonotonicTime begun;
  WallTime begun_wall;
  Milliseconds setup{0};
  Milliseconds transfer{0};
};
[[nodiscard]] AttemptTimes times_now();

}  // namespace facteur::queue
