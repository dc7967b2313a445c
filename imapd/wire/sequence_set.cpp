#include "imapd/wire/sequence_set.h"

#include <algorithm>
#include <limits>

#include "common/base/number.h"

namespace facteur::imapd {

namespace {

/// seq-number: nz-number, or "*" as 0.
std::optional<std::uint32_t> seq_number(std::string_view text) {
  if (text == "*") return 0;
  const auto number = parse_number<std::uint32_t>(text);
  return number && *number > 0 ? number : std::nullopt;
}

std::optional<Range> seq_range(std::string_view text) {
  const auto colon = text.find(':');
  const auto first = seq_number(text.substr(0, colon));
  const auto last = colon == std::string_view::npos ? first : seq_number(text.substr(colon + 1));
  if (!first || !last) return std::nullopt;
  return Range{*first, *last};
}

}  // namespace

std::optional<SequenceSet> SequenceSet::parse(std::string_view text) {
  SequenceSet set;
  while (true) {
    const auto comma = text.find(',');
    const auto range = seq_range(text.substr(0, comma));
    if (!range) return std::nullopt;
    if (set.written_.empty() || set.written_.back() != *range) set.written_.push_back(*range);
    if (comma == std::string_view::npos) return set;
    text.remove_prefix(comma + 1);
  }
}

Ranges SequenceSet::resolve(std::uint32_t largest) const {
  Ranges ranges = written_;
  for (auto& [first, last] : ranges) {
    if (first == 0) first = largest;
    if (last == 0) last = largest;
    if (first > last) std::swap(first, last);
  }
  return normalize(std::move(ranges));
}

Ranges normalize(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges out;
  for (const auto& range : ranges) {
    const bool touches = !out.empty() && (out.back().last == std::numeric_limits<std::uint32_t>::max() ||
                                          range.first <= out.back().last + 1);
    if (touches) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

bool contains(const Ranges& ranges, std::uint32_t number) {
  const auto behind = std::upper_bound(ranges.begin(), ranges.end(), number,
                                       [](std::uint32_t value, const Range& range) { return value < range.first; });
  return behind != ranges.begin() && number <= std::prev(behind)->last;
}

std::string to_text(const std::vector<std::uint32_t>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (!out.empty()) out += ',';
    out += std::to_string(numbers[i]);
    if (end - i > 1) out += ':' + std::to_string(numbers[end - 1]);
    i = end;
  }
  return out;
}

}  // namespace facteur::imapd
