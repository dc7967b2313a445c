#include "queue/daemon/attempt_results.h"

#include <algorithm>

#include "queue/daemon/results.h"

namespace facteur::queue {

std::optional<std::vector<RecipientResult>> match_results(const std::vector<std::uint32_t>& numbers,
                                                          std::vector<RecipientResult> results) {
  std::vector<std::uint32_t> open = numbers;
  std::ranges::sort(open);
  std::vector<bool> answered(open.size());
  for (const auto& result : results) {
    const auto place = std::ranges::lower_bound(open, result.number);
    if (place == open.end() || *place != result.number) return std::nullopt;
    const auto index = static_cast<std::size_t>(place - open.begin());
    if (answered[index]) return std::nullopt;
    answered[index] = true;
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (!answered[i]) results.push_back(own_result(open[i], Fate::deferred, "4.3.0", "no result was given"));
  }
  return results;
}

std::vector<RecipientResult> for_all(const std::vector<std::uint32_t>& numbers, Fate fate, std::string_view status,
                                     std::string_view text) {
  std::vector<RecipientResult> results;
  for (const auto number : numbers) results.push_back(own_result(number, fate, status, text));
  return results;
}

}  // namespace facteur::queue
