// Time: the wall clock for what people and files see, the monotonic clock for every wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur {

using Seconds = std::chrono::seconds;
using Milliseconds = std::chrono::milliseconds;
/// Wall clock, microseconds since 1970 (UTC). It may jump.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
/// Monotonic clock: only differences mean something.
using MonotonicTime = std::chrono::steady_clock::time_point;

[[nodiscard]] WallTime wall_now();
[[nodiscard]] inline MonotonicTime monotonic_now() {
  return std::chrono::steady_clock::now();
}

/// "Nov 22 13:05:09" in local time, the day padded with a space (RFC 3164 section 4.1.2).
[[nodiscard]] std::string syslog_time(WallTime time);
/// "2026-11-22T13:05:09Z".
[[nodiscard]] std::string iso_time(WallTime time);
/// The date-time of RFC 5322 section 3.3 in local time: "Sun, 22 Nov 2026 13:05:09 +0000 (UTC)" without the comment.
[[nodiscard]] std::string rfc5322_time(WallTime time);

/// A duration in Postfix's spelling: digits with a suffix s, m, h, d or w (postconf(5)); `unit` where there is none.
[[nodiscard]] std::optional<Seconds> parse_duration(std::string_view text, Seconds unit = Seconds{1});
/// The shortest such spelling: "5m", "5d", "90s".
[[nodiscard]] std::string show_duration(Seconds duration);

}  // namespace facteur
