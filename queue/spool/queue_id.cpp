#include "queue/spool/queue_id.h"

#include <algorithm>

#include "common/base/encode.h"
#include "common/base/random.h"
#include "common/base/strings.h"

namespace facteur::queue {
namespace {

constexpr std::size_t time_digits = 9;  // microseconds fit until the year 2398
constexpr std::size_t random_digits = 3;
constexpr std::uint64_t random_bound = 62 * 62 * 62;
constexpr std::size_t bounce_digits = 11;  // of 64 bits

/// FNV-1a, 64 bits (Fowler, Noll, Vo): spreads names, guards nothing.
std::uint64_t fnv1a(std::string_view octets) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : octets) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

bool is_queue_id(std::string_view text) {
  return text.size() >= 10 && text.size() <= 20 && std::ranges::all_of(text, is_alnum);
}

std::string QueueIds::next(WallTime now) {
  const auto count = now.time_since_epoch().count();
  last_ = std::max(last_ + 1, count > 0 ? static_cast<std::uint64_t>(count) : 0);
  return base62(last_, time_digits) + base62(random_below(random_bound), random_digits);
}

std::string bounce_id(std::string_view original, std::span<const std::uint32_t> numbers) {
  std::string text(original);
  for (const auto number : numbers) text += "," + std::to_string(number);
  return "B" + base62(fnv1a(text), bounce_digits);
}

}  // namespace facteur::queue
