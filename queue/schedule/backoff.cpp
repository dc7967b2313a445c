#include "queue/schedule/backoff.h"

#include <algorithm>

namespace facteur::queue {
namespace {

constexpr double jitter_share = 0.1;

Milliseconds jittered(Seconds base, double jitter) {
  const double milliseconds = static_cast<double>(Milliseconds(base).count()) * (1 + jitter_share * jitter);
  return Milliseconds(static_cast<Milliseconds::rep>(milliseconds));
}

/// std::clamp() wants its bounds in order; settings may have them in another.
Seconds between(Seconds value, const RetryTimes& times) {
  return std::max(std::min(value, times.maximal_backoff_time), times.minimal_backoff_time);
}

}  // namespace

Milliseconds retry_delay(Seconds age, const RetryTimes& times, double jitter) {
  return jittered(between(age, times), jitter);
}

Seconds age_of(WallTime arrival, WallTime now) {
  return now > arrival ? std::chrono::floor<Seconds>(now - arrival) : Seconds{0};
}

bool is_too_old(WallTime arrival, WallTime tried, const RetryTimes& times) {
  return age_of(arrival, tried) >= times.maximal_queue_lifetime;
}

Milliseconds remaining_wait(WallTime due, WallTime now, const RetryTimes& times) {
  if (due <= now) return Milliseconds{0};
  const Milliseconds longest = jittered(between(times.maximal_backoff_time, times), 1);
  const auto wait = due - now;
  return wait > longest ? Milliseconds{0} : std::chrono::ceil<Milliseconds>(wait);
}

Milliseconds dead_site_delay(unsigned deaths, const RetryTimes& times, double jitter) {
  constexpr unsigned doublings = 20;  // 2^20 times a second is more than any bound
  const auto factor = Seconds::rep{1} << std::min(deaths > 0 ? deaths - 1 : 0, doublings);
  const Seconds minimal = std::min(times.minimal_backoff_time, times.maximal_backoff_time);
  return jittered(between(minimal * factor, times), jitter);
}

}  // namespace facteur::queue
