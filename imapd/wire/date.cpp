#include "imapd/wire/date.h"

#include <array>
#include <chrono>
#include <fmt/format.h>

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::imapd {

namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t day_seconds = 86400;

std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t count, unsigned least,
                               unsigned most) {
  if (at + count > text.size()) return std::nullopt;
  const auto number = parse_number<unsigned>(text.substr(at, count));
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

std::optional<unsigned> month(std::string_view name) {
  for (unsigned i = 0; i < months.size(); ++i) {
    if (iequals(name, months[i])) return i + 1;
  }
  return std::nullopt;
}

std::optional<std::int64_t> days(unsigned year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

}  // namespace

std::optional<std::int64_t> parse_date(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash > 2 || text.size() != dash + 9 || text[dash + 4] != '-') {
    return std::nullopt;
  }
  const auto day = digits(text, 0, dash, 1, 31);
  const auto mon = month(text.substr(dash + 1, 3));
  const auto year = digits(text, dash + 5, 4, 0, 9999);
  if (!day || !mon || !year) return std::nullopt;
  return days(*year, *mon, *day);
}

std::optional<std::int64_t> parse_date_time(std::string_view text) {
  // dd-Mon-yyyy hh:mm:ss +zzzz
  if (text.size() != 26 || text[11] != ' ' || text[14] != ':' || text[17] != ':' || text[20] != ' ')
    return std::nullopt;
  const auto date = parse_date(text.substr(text[0] == ' ' ? 1 : 0, text[0] == ' ' ? 10 : 11));
  const auto hour = digits(text, 12, 2, 0, 23);
  const auto minute = digits(text, 15, 2, 0, 59);
  const auto second = digits(text, 18, 2, 0, 60);
  const auto zone_hours = digits(text, 22, 2, 0, 99);
  const auto zone_minutes = digits(text, 24, 2, 0, 59);
  if (!date || !hour || !minute || !second || !zone_hours || !zone_minutes) return std::nullopt;
  if (text[21] != '+' && text[21] != '-') return std::nullopt;
  const std::int64_t zone = (std::int64_t{*zone_hours} * 60 + *zone_minutes) * 60;
  const std::int64_t local = *date * day_seconds + (std::int64_t{*hour} * 60 + *minute) * 60 + *second;
  return text[21] == '+' ? local - zone : local + zone;
}

std::string show_date_time(std::int64_t seconds) {
  const auto day = day_of(seconds);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const auto rest = seconds - day * day_seconds;
  return fmt::format("{:2}-{}-{:04} {:02}:{:02}:{:02} +0000", unsigned{date.day()}, months[unsigned{date.month()} - 1],
                     int{date.year()}, rest / 3600, rest / 60 % 60, rest % 60);
}

std::int64_t day_of(std::int64_t seconds) {
  return seconds / day_seconds - (seconds % day_seconds < 0 ? 1 : 0);
}

}  // namespace facteur::imapd
