// Sequence sets: "1,3:5,10:*" (RFC 3501 section 9).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::imapd {

/// Numbers `first` to `last`, both in.
struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  friend bool operator==(const Range&, const Range&) = default;
};
using Ranges = std::vector<Range>;

/// A set as the client wrote it, with "*" not yet known.
class SequenceSet {
 public:
  /// Nothing if it is not a sequence set: no 0, no number over 2^32 - 1.
  [[nodiscard]] static std::optional<SequenceSet> parse(std::string_view text);
  /// Ascending ranges that neither overlap nor touch, "*" being `largest`: work on them follows what they cover.
  [[nodiscard]] Ranges resolve(std::uint32_t largest) const;

 private:
  Ranges written_;  ///< in any order; 0 stands for "*"
};

/// Makes ranges ascending and disjoint.
[[nodiscard]] Ranges normalize(Ranges ranges);
[[nodiscard]] bool contains(const Ranges& ranges, std::uint32_t number);
/// "1:3,7" of ascending numbers, as UIDPLUS wants them (RFC 4315 section 3).
[[nodiscard]] std::string to_text(const std::vector<std::uint32_t>& numbers);

}  // namespace facteur::imapd
