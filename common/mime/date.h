// Dates of messages and of IMAP: the one parser and the one formatter. Years 1900 to 9999; nothing overflows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::mime {

/// A moment, and the zone in which it was written.
struct Date {
  std::int64_t seconds = 0;       ///< since 1970, UTC
  std::int32_t zone_minutes = 0;  ///< east of Greenwich, within ±1439
  /// The day on the calendar of its zone, in days since 1970: what SENTON and ON compare (RFC 3501 section 6.4.4).
  [[nodiscard]] std::int64_t day() const;
  friend bool operator==(const Date&, const Date&) = default;
};

/// date-time of RFC 5322 section 3.3 and its obsolete forms (section 4.3): comments, years of two and three digits,
/// zones by name. A day name is not looked at; a zone that is missing or none counts as +0000. Text behind the zone is
/// ignored.
[[nodiscard]] std::optional<Date> parse_date(std::string_view body);
/// The date of a "From " line of an mbox: "Sun Nov 22 13:05:09 2026", perhaps with a zone before or behind the year.
[[nodiscard]] std::optional<Date> parse_asctime(std::string_view text);
/// date-time of RFC 3501 section 9 without its quotes: "22-Nov-2026 13:05:09 +0000"; exactly that form.
[[nodiscard]] std::optional<Date> parse_imap_date_time(std::string_view text);
/// date of RFC 3501 section 9 without quotes, "1-Feb-1994": the day as Date::day() gives it.
[[nodiscard]] std::optional<std::int64_t> parse_imap_date(std::string_view text);

/// "Sun, 22 Nov 2026 13:05:09 +0000". These three take any values; what is beyond the years above becomes the nearest.
[[nodiscard]] std::string format_date(Date date);
/// "22-Nov-2026 13:05:09 +0000", the day padded with a space.
[[nodiscard]] std::string format_imap_date_time(Date date);
/// "Sun Nov 22 13:05:09 2026" in UTC, the day padded with a space.
[[nodiscard]] std::string format_asctime(std::int64_t seconds);

}  // namespace facteur::mime
