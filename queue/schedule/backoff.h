// When a message is tried again, and when it is given up.
#pragma once

#include "common/base/time.h"

namespace facteur::queue {

/// Settings of the same names.
struct RetryTimes {
  Seconds minimal_backoff_time{300};
  Seconds maximal_backoff_time{4000};
  Seconds maximal_queue_lifetime{5 * 86400};
};

/// The wait after a failed attempt of a message of this age: as long as it has waited already, between the two bounds,
/// and up to a tenth more (`jitter` from 0 to 1), so that messages that failed together come back one by one.
[[nodiscard]] Milliseconds retry_delay(Seconds age, const RetryTimes& times, double jitter);

/// How long a message has waited; a clock that was set back makes it new, not negative.
[[nodiscard]] Seconds age_of(WallTime arrival, WallTime now);

/// Whether a failed attempt was the last. It counts from the time at which the attempt was made: after a clock that
/// jumped forward each message gets one more try before it is too old.
[[nodiscard]] bool is_too_old(WallTime arrival, WallTime tried, const RetryTimes& times);

/// What is left of a wait that ends at `due`, as a restart finds it. Not more than the longest wait there is: when the
/// clock was set back, the date is worth nothing.
[[nodiscard]] Milliseconds remaining_wait(WallTime due, WallTime now, const RetryTimes& times);

/// The wait of a site after it died for the n-th time in a row (1 and up): doubles from one bound to the other.
[[nodiscard]] Milliseconds dead_site_delay(unsigned deaths, const RetryTimes& times, double jitter);

}  // namespace facteur::queue
