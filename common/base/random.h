// Randomness of the kernel. There is no weaker fallback: a failure aborts.
#pragma once

#include <cstdint>
#include <string>

namespace facteur {

/// `count` octets of getrandom(2).
[[nodiscard]] std::string random_octets(std::size_t count);
/// A number from 0 to `bound` - 1 (bound at least 1), each as likely.
[[nodiscard]] std::uint64_t random_below(std::uint64_t bound);

}  // namespace facteur
