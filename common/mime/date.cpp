#include "common/mime/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "common/address/tokens.h"
#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::mime {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> week_days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::int64_t seconds_a_day = 86400;
constexpr std::int32_t max_zone = 24 * 60 - 1;
constexpr int min_year = 1900, max_year = 9999;
/// Words of a date that are looked at: more are no part of it.
constexpr std::size_t max_words = 12;

/// Zones with a name (RFC 5322 section 4.3), in hours; all others, the military ones too, count as +0000.
constexpr std::array<std::pair<std::string_view, int>, 8> zones{
    {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}}};

std::optional<std::int64_t> day_number(int year, unsigned month, unsigned day) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (year < min_year || year > max_year || !date.ok()) return std::nullopt;
  return sys_days{date}.time_since_epoch().count();
}

/// A number of so many digits, and nothing else.
std::optional<int> digits(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  return parse_number<int>(text);
}

std::optional<unsigned> month_number(std::string_view text) {
  const auto found = std::ranges::find_if(months, [=](auto month) { return iequals(month, text); });
  if (found == months.end()) return std::nullopt;
  return static_cast<unsigned>(found - months.begin() + 1);
}

/// "hh:mm" or "hh:mm:ss" in seconds; a leap second is the one before it.
std::optional<std::int64_t> time_of_day(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  const auto hour = digits(parts[0], 1, 2), minute = digits(parts[1], 1, 2);
  const auto second = parts.size() == 3 ? digits(parts[2], 1, 2) : 0;
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return *hour * 3600 + *minute * 60 + std::min(*second, 59);
}

/// "+hhmm" in minutes.
std::optional<std::int32_t> numeric_zone(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = digits(text.substr(1, 2), 2, 2), minutes = digits(text.substr(3), 2, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto zone = *hours * 60 + *minutes;
  return text[0] == '-' ? -zone : zone;
}

std::int32_t any_zone(std::string_view text) {
  const auto found = std::ranges::find_if(zones, [=](const auto& zone) { return iequals(zone.first, text); });
  return found != zones.end() ? found->second * 60 : numeric_zone(text).value_or(0);
}

/// Years of two and three digits (RFC 5322 section 4.3).
std::optional<int> any_year(std::string_view text) {
  const auto year = digits(text, 2, 4);
  if (!year || text.size() == 4) return year;
  return *year + (text.size() == 2 && *year < 50 ? 2000 : 1900);
}

Date make_date(std::int64_t day, std::int64_t time, std::int32_t zone) {
  return Date{day * seconds_a_day + time - std::int64_t{60} * zone, zone};
}

/// The words of a date without comments and commas; colons join what stands around them ("13 : 05").
std::vector<std::string> words_of(std::string_view body) {
  std::vector<std::string> out;
  std::string comment;
  bool joined = false;
  while (out.size() <= max_words) {
    address::skip_space_and_comments(body, comment);
    while (body.starts_with(',')) {
      body.remove_prefix(1);
      address::skip_space_and_comments(body, comment);
    }
    if (body.empty()) break;
    const auto end = std::min(body.find_first_of(" \t\r\n(,"), body.size());
    const auto word = body.substr(0, std::max<std::size_t>(end, 1));
    joined = joined || (word[0] == ':' && !out.empty());
    if (joined) {
      out.back() += word;
    } else {
      out.emplace_back(word);
    }
    joined = word.back() == ':';
    body.remove_prefix(word.size());
  }
  return out;
}

Date clamp(Date date) {
  const auto least = *day_number(min_year, 1, 1) * seconds_a_day + seconds_a_day;
  const auto most = *day_number(max_year, 12, 31) * seconds_a_day - 1;
  return {std::clamp(date.seconds, least, most), std::clamp(date.zone_minutes, -max_zone, max_zone)};
}

/// The fields of a date on the calendar of its zone.
struct Calendar {
  explicit Calendar(Date date) {
    const auto local = date.seconds + std::int64_t{60} * date.zone_minutes;
    ymd = sys_days{days{date.day()}};
    time = local - date.day() * seconds_a_day;
    week_day = std::chrono::weekday{sys_days{days{date.day()}}}.c_encoding();
  }
  [[nodiscard]] std::string_view month() const { return months[static_cast<unsigned>(ymd.month()) - 1]; }
  [[nodiscard]] unsigned day() const { return static_cast<unsigned>(ymd.day()); }
  [[nodiscard]] int year() const { return static_cast<int>(ymd.year()); }
  [[nodiscard]] std::string clock() const {
    return fmt::format("{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
  }

  std::chrono::year_month_day ymd;
  std::int64_t time = 0;
  unsigned week_day = 0;
};

std::string show_zone(std::int32_t minutes) {
  const auto distance = minutes < 0 ? -minutes : minutes;
  return fmt::format("{}{:02}{:02}", minutes < 0 ? '-' : '+', distance / 60, distance % 60);
}

}  // namespace

std::int64_t Date::day() const {
  const auto local = seconds + std::int64_t{60} * zone_minutes;
  return local / seconds_a_day - (local % seconds_a_day < 0 ? 1 : 0);
}

std::optional<Date> parse_date(std::string_view body) {
  auto words = words_of(body);
  if (!words.empty() && !is_digit(words[0][0])) words.erase(words.begin());
  if (words.size() < 4) return std::nullopt;
  const auto day = digits(words[0], 1, 2);
  const auto month = month_number(words[1]);
  const auto year = any_year(words[2]);
  const auto time = time_of_day(words[3]);
  if (!day || !month || !year || !time) return std::nullopt;
  const auto date = day_number(*year, *month, static_cast<unsigned>(*day));
  if (!date) return std::nullopt;
  return make_date(*date, *time, words.size() > 4 ? any_zone(words[4]) : 0);
}

std::optional<Date> parse_asctime(std::string_view text) {
  const auto words = words_of(text);
  if (words.size() < 5) return std::nullopt;
  const auto month = month_number(words[1]);
  const auto day = digits(words[2], 1, 2);
  const auto time = time_of_day(words[3]);
  const bool zone_first = !digits(words[4], 4, 4);
  const auto year = digits(words.size() > 5 && zone_first ? words[5] : words[4], 4, 4);
  if (!month || !day || !time || !year) return std::nullopt;
  const auto date = day_number(*year, *month, static_cast<unsigned>(*day));
  if (!date) return std::nullopt;
  const auto zone = zone_first ? words[4] : words.size() > 5 ? words[5] : "";
  return make_date(*date, *time, any_zone(zone));
}

std::optional<Date> parse_imap_date_time(std::string_view text) {
  // "dd-Mon-yyyy hh:mm:ss +zzzz", the first d may be a space.
  if (text.size() != 26 || text[11] != ' ' || text[20] != ' ' || text[14] != ':' || text[17] != ':')
    return std::nullopt;
  const auto date = parse_imap_date(text.substr(text[0] == ' ' ? 1 : 0, text[0] == ' ' ? 10 : 11));
  const auto time = time_of_day(text.substr(12, 8));
  const auto zone = numeric_zone(text.substr(21));
  if (!date || !time || !zone) return std::nullopt;
  return make_date(*date, *time, *zone);
}

std::optional<std::int64_t> parse_imap_date(std::string_view text) {
  const auto parts = split(text, '-');
  if (parts.size() != 3) return std::nullopt;
  const auto day = digits(parts[0], 1, 2);
  const auto month = month_number(parts[1]);
  const auto year = digits(parts[2], 4, 4);
  if (!day || !month || !year) return std::nullopt;
  return day_number(*year, *month, static_cast<unsigned>(*day));
}

std::string format_date(Date date) {
  date = clamp(date);
  const Calendar c(date);
  return fmt::format("{}, {} {} {:04} {} {}", week_days[c.week_day], c.day(), c.month(), c.year(), c.clock(),
                     show_zone(date.zone_minutes));
}

std::string format_imap_date_time(Date date) {
  date = clamp(date);
  const Calendar c(date);
  return fmt::format("{:2}-{}-{:04} {} {}", c.day(), c.month(), c.year(), c.clock(), show_zone(date.zone_minutes));
}

std::string format_asctime(std::int64_t seconds) {
  const Calendar c(clamp({seconds, 0}));
  return fmt::format("{} {} {:2} {} {:04}", week_days[c.week_day], c.month(), c.day(), c.clock(), c.year());
}

}  // namespace facteur::mime
