#include "common/base/random.h"

#include <cerrno>
#include <cstring>
#include <sys/random.h>

#include "common/base/result.h"

namespace facteur {

std::string random_octets(std::size_t count) {
  std::string out(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const auto got = ::getrandom(out.data() + filled, count - filled, 0);
    check(got > 0 || errno == EINTR, "getrandom failed");
    if (got > 0) filled += static_cast<std::size_t>(got);
  }
  return out;
}

std::uint64_t random_below(std::uint64_t bound) {
  check(bound > 0, "random_below(0)");
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;  // above it, low numbers would be likelier
  for (;;) {
    std::uint64_t number = 0;
    std::memcpy(&number, random_octets(sizeof number).data(), sizeof number);
    if (number < limit) return number % bound;
  }
}

}  // namespace facteur
