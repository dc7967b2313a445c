// Dates of IMAP: date ("1-Feb-1994") and date-time ("17-Jul-1996 02:44:25 -0700") of RFC 3501 section 9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::imapd {

/// Days since 1 January 1970.
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text);
/// Seconds since 1970 (UTC). The day is two characters, the first may be a space.
[[nodiscard]] std::optional<std::int64_t> parse_date_time(std::string_view text);
/// The date-time in UTC, without its quotes.
[[nodiscard]] std::string show_date_time(std::int64_t seconds);
/// The day of a moment, in UTC as show_date_time() shows it.
[[nodiscard]] std::int64_t day_of(std::int64_t seconds);

}  // namespace facteur::imapd
