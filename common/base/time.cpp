#include "common/base/time.h"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <utility>

#include "common/base/number.h"

namespace facteur {
namespace {

constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::pair<char, std::int64_t>, 5> units{
    {{'w', 7 * 86400}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

std::time_t whole_seconds(WallTime time) {
  return std::chrono::floor<Seconds>(time).time_since_epoch().count();
}

std::tm local(WallTime time) {
  const std::time_t seconds = whole_seconds(time);
  std::tm out{};
  localtime_r(&seconds, &out);
  return out;
}

}  // namespace

WallTime wall_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string syslog_time(WallTime time) {
  const std::tm t = local(time);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", months[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string iso_time(WallTime time) {
  const std::time_t seconds = whole_seconds(time);
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

std::string rfc5322_time(WallTime time) {
  const std::tm t = local(time);
  const auto minutes = t.tm_gmtoff / 60;
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
                     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec, minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                     std::abs(minutes) % 60);
}

std::optional<Seconds> parse_duration(std::string_view text, Seconds unit) {
  constexpr std::int64_t most = 100LL * 366 * 86400;
  std::int64_t factor = unit.count();
  for (const auto& [suffix, seconds] : units) {
    if (!text.ends_with(suffix)) continue;
    factor = seconds;
    text.remove_suffix(1);
    break;
  }
  const auto count = parse_number<std::uint64_t>(text);
  if (!count || *count > static_cast<std::uint64_t>(most / factor)) return std::nullopt;
  return Seconds{static_cast<std::int64_t>(*count) * factor};
}

std::string show_duration(Seconds duration) {
  for (const auto& [suffix, seconds] : units) {
    if (duration.count() != 0 && duration.count() % seconds == 0) {
      return fmt::format("{}{}", duration.count() / seconds, suffix);
    }
  }
  return "0s";
}

}  // namespace facteur
