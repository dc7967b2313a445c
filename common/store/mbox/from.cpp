// From_ lines.
#include "common/store/mbox/from.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::store {
namespace {

constexpr std::string_view start = "From ";
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// A date as its words are read, in any order.
struct Date {
  std::optional<int> month, day, year;
  std::optional<int> hour, minute;
  int second = 0;
  std::optional<int> zone;  ///< seconds east of Greenwich; without it local time is meant

  [[nodiscard]] bool whole() const { return month && day && year && hour; }
};

std::optional<int> number_below(std::string_view text, int bound) {
  const auto number = parse_number<int>(text);
  if (!number || *number < 0 || *number >= bound) return std::nullopt;
  return number;
}

/// "13:05" or "13:05:09".
bool read_time(std::string_view word, Date& date) {
  const auto parts = split(word, ':');
  if (parts.size() != 2 && parts.size() != 3) return false;
  date.hour = number_below(parts[0], 24);
  date.minute = number_below(parts[1], 60);
  const auto second = parts.size() == 3 ? number_below(parts[2], 61) : std::optional(0);
  if (!date.hour || !date.minute || !second) return false;
  date.second = *second;
  return true;
}

/// "+0100".
bool read_zone(std::string_view word, Date& date) {
  if (word.size() != 5 || (word[0] != '+' && word[0] != '-')) return false;
  const auto digits = parse_number<int>(word.substr(1));
  if (!digits) return false;
  const int seconds = (*digits / 100 * 60 + *digits % 100) * 60;
  date.zone = word[0] == '-' ? -seconds : seconds;
  return true;
}

void read_word(std::string_view word, Date& date) {
  if (const auto month = std::ranges::find(months, word); month != months.end()) {
    date.month = static_cast<int>(month - months.begin());
  } else if (word.find(':') != std::string_view::npos) {
    (void)read_time(word, date);
  } else if (read_zone(word, date)) {
    return;
  } else if (const auto number = parse_number<int>(word); number && word.size() <= 2 && *number >= 1 && *number <= 31) {
    date.day = number;
  } else if (number && word.size() == 4 && *number >= 1900) {
    date.year = number;
  } else if (word == "GMT" || word == "UTC") {
    date.zone = 0;
  }
}

std::int64_t seconds_of(const Date& date) {
  std::tm parts{};
  parts.tm_year = *date.year - 1900;
  parts.tm_mon = *date.month;
  parts.tm_mday = *date.day;
  parts.tm_hour = *date.hour;
  parts.tm_min = *date.minute;
  parts.tm_sec = date.second;
  parts.tm_isdst = -1;
  if (date.zone) return ::timegm(&parts) - *date.zone;
  return std::mktime(&parts);
}

}  // namespace

std::optional<std::int64_t> parse_from_line(std::string_view line) {
  if (!line.starts_with(start)) return std::nullopt;
  const auto fields = words(line.substr(start.size()), 24);
  const auto is_day = [](std::string_view word) {
    return std::ranges::find(days, word.substr(0, word.find(','))) != days.end();
  };
  const auto day = std::ranges::find_if(fields, is_day);
  if (day == fields.end()) return std::nullopt;
  Date date;
  for (auto word = day + 1; word != fields.end(); ++word) read_word(*word, date);
  if (!date.whole()) return std::nullopt;
  return seconds_of(date);
}

std::string from_line(std::string_view sender, std::int64_t date) {
  const std::time_t time = date;
  std::tm parts{};
  (void)::localtime_r(&time, &parts);
  std::string name(sender.empty() ? "MAILER-DAEMON" : sender.substr(0, 320));
  std::ranges::replace_if(name, [](char c) { return is_control(c) || c == ' '; }, '_');
  return fmt::format("From {} {} {} {:2d} {:02d}:{:02d}:{:02d} {}\n", name,
                     days[static_cast<std::size_t>(parts.tm_wday)], months[static_cast<std::size_t>(parts.tm_mon)],
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_year + 1900);
}

bool wants_quote(std::string_view line) {
  const auto text = line.substr(std::min(line.find_first_not_of('>'), line.size()));
  return text.starts_with(start);
}

}  // namespace facteur::store
