#include "queue/daemon/results.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "queue/format/envelope.h"

namespace facteur::queue {
namespace {

constexpr std::array<char, 3> status_class{'2', '4', '5'};  // by Fate
constexpr std::size_t max_relay = 300;
constexpr std::size_t cut_mark = 3;

/// "class.subject.detail", each part of up to three digits.
bool is_status(std::string_view text, char wanted_class) {
  const auto parts = split(text, '.');
  return parts.size() == 3 && parts[0] == std::string_view(&wanted_class, 1) &&
         std::ranges::all_of(parts, [](std::string_view part) {
           return !part.empty() && part.size() <= 3 && std::ranges::all_of(part, is_digit);
         });
}

}  // namespace

std::string one_line(std::string_view text) {
  const bool plain =
      std::ranges::none_of(text, [](char c) { return is_control(c) || (static_cast<unsigned char>(c) & 0x80) != 0; });
  std::string out = plain ? std::string(text) : printable(text, max_reason);
  if (out.size() > max_reason) out = out.substr(0, max_reason - cut_mark) + "...";
  return out;
}

RecipientResult sane(RecipientResult result) {
  if (result.fate > Fate::failed) result.fate = Fate::deferred;
  const char wanted = status_class.at(static_cast<std::size_t>(result.fate));
  if (!is_status(result.status, wanted)) result.status = std::string(1, wanted) + ".0.0";
  result.text = one_line(result.text);
  result.relay = one_line(result.relay.substr(0, max_relay));
  return result;
}

RecipientResult own_result(std::uint32_t number, Fate fate, std::string_view status, std::string_view text) {
  return sane({number, fate, std::string(status), std::string(text), "none", false});
}

AttemptTimes times_now() {
  return {monotonic_now(), wall_now(), {}, {}};
}

}  // namespace facteur::queue
