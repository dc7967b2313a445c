// Names of files in a Maildir.
#include "common/store/maildir/name.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <fmt/format.h>
#include <unistd.h>

#include "common/base/encode.h"
#include "common/base/number.h"
#include "common/base/random.h"
#include "common/base/strings.h"
#include "common/base/time.h"
#include "common/store/mailbox.h"

namespace facteur::store {
namespace {

constexpr std::string_view info_start = ":2,";
constexpr std::size_t max_file_name = 255;

struct FlagLetter {
  char letter;
  std::uint8_t flag;
};
constexpr std::array<FlagLetter, 5> letters{
    {{'D', draft}, {'F', flagged}, {'R', answered}, {'S', seen}, {'T', deleted}}};

std::uint64_t leading_number(std::string_view name) {
  const auto end = std::min(name.find_first_not_of("0123456789"), name.size());
  return parse_number<std::uint64_t>(name.substr(0, end)).value_or(0);
}

/// The microseconds of "SECONDS.M123456P…"; nothing for other names, so for those of deliveries ("ID_RECIPIENT").
std::optional<std::uint32_t> microseconds_in(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto field = name.substr(dot + 1, name.find('.', dot + 1) - dot - 1);
  const auto end = field.find('P');
  if (!field.starts_with('M') || end == std::string_view::npos || field.contains('_')) return std::nullopt;
  const auto number = parse_number<std::uint32_t>(field.substr(1, end - 1));
  return number && *number < 1'000'000 ? number : std::nullopt;
}

}  // namespace

std::optional<MaildirName> parse_maildir_name(std::string_view name) {
  if (name.empty() || name.front() == '.' || name.size() > max_file_name || std::ranges::any_of(name, is_control)) {
    return std::nullopt;
  }
  MaildirName out;
  out.base = name.substr(0, name.find(':'));
  if (out.base.empty()) return std::nullopt;
  out.info = name.substr(out.base.size());
  for (const char c : info_letters(out.info)) {
    const auto known = std::ranges::find(letters, c, &FlagLetter::letter);
    if (known != letters.end()) out.flags |= known->flag;
  }
  return out;
}

std::string_view info_letters(std::string_view info) {
  if (!info.starts_with(info_start)) return {};
  const auto rest = info.substr(info_start.size());
  return rest.substr(0, rest.find(','));
}

bool is_keyword_letter(char letter) {
  return letter >= 'a' && letter <= 'z';
}

std::string info_for(std::string_view old_info, std::uint8_t flags) {
  std::string keywords(info_letters(old_info));
  std::erase_if(keywords, [](char c) { return !is_keyword_letter(c); });
  return info_for(old_info, flags, keywords);
}

std::string info_for(std::string_view old_info, std::uint8_t flags, std::string_view keywords) {
  std::string out(keywords);
  for (const char c : info_letters(old_info)) {
    if (!is_keyword_letter(c) && std::ranges::find(letters, c, &FlagLetter::letter) == letters.end()) out += c;
  }
  for (const auto& [letter, flag] : letters) {
    if ((flags & flag) != 0) out += letter;
  }
  std::ranges::sort(out);
  const auto twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
  return std::string(info_start) + out;
}

std::string name_part(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 64)) {
    if (is_control(c) || c == '/' || c == ':' || c == ',' || static_cast<unsigned char>(c) >= 0x80) {
      out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out.empty() ? "localhost" : out;
}

std::string delivery_name(std::int64_t arrival, std::string_view queue_id, std::uint32_t recipient,
                          std::string_view host) {
  return fmt::format("{}.{}_{}.{}", std::max<std::int64_t>(arrival, 0), name_part(queue_id), recipient,
                     name_part(host));
}

std::string unique_name(std::string_view host) {
  static std::atomic<std::uint32_t> counter{0};
  const auto now = wall_now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<Seconds>(now);
  return fmt::format("{}.M{:06}P{}Q{:010}R{}.{}", seconds.count(), (now - seconds).count(), ::getpid(), counter++,
                     hex_encode(random_octets(4)), name_part(host));
}

std::string with_sizes(std::string_view name, std::uint64_t stored, std::uint64_t wire) {
  return fmt::format("{},S={},W={}", name, stored, wire);
}

CameAt came_at(std::string_view name, std::int64_t written_seconds, std::int64_t written_nanoseconds) {
  const auto named = leading_number(name);
  const auto microseconds = microseconds_in(name);
  if (!microseconds) return {named, written_seconds, written_nanoseconds};
  return {named, static_cast<std::int64_t>(named), std::int64_t{*microseconds} * 1000};
}

bool older(std::string_view a, std::string_view b) {
  const auto seconds_a = leading_number(a);
  const auto seconds_b = leading_number(b);
  return seconds_a != seconds_b ? seconds_a < seconds_b : a < b;
}

}  // namespace facteur::store
