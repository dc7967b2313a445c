// Aliases that lead back to themselves, for who writes them: the way of mail just cuts them (expand.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/route/tables.h"

namespace facteur::route {

/// A way that ends where it began.
struct Loop {
  std::vector<std::string> addresses;  ///< the first is the last, too
  std::string file;                    ///< of the entry that closes it
  std::uint32_t line = 0;
  /// "aliases loop: a@x -> b@x -> a@x"; a long one without its middle.
  [[nodiscard]] std::string what() const;
};

constexpr std::size_t max_loops = 100;
constexpr std::size_t max_shown_addresses = 20;  ///< of one loop

/// Loops of the tables, each once, at most `max_loops`: every entry that closes one is told. "*" stands for any
/// local-part of a "@domain". Takes time in proportion to the tables.
[[nodiscard]] std::vector<Loop> find_loops(const Tables& tables);

}  // namespace facteur::route
