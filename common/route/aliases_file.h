// Files in the form of aliases(5): "name: target, target", continued on lines that begin with white space.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/route/tables.h"

namespace facteur::route {

struct Problem {
  std::string file;
  std::uint32_t line = 0;
  std::string text;
  /// "file:line: text".
  [[nodiscard]] std::string what() const;
};

struct AliasesFile {
  std::map<std::string, Entry> entries;  ///< by name, lower case
  std::vector<Problem> problems;         ///< at most `max_alias_problems`
};

constexpr std::size_t max_aliases = 200'000;
constexpr std::size_t max_alias_line = 256 * 1024;  ///< octets of one entry with its continuation lines
constexpr std::size_t max_alias_targets = 1000;
constexpr std::size_t max_alias_problems = 100;

/// Why an address cannot be replaced by this; nothing if it can. Programs, files and includes are never a target, with
/// quotes or without.
[[nodiscard]] std::optional<std::string> refuse_target(const std::string& target);

/// Reads the text of `file`. Names and targets may be quoted; comments in parentheses and "words <address>" are
/// understood. Targets that are programs, files or includes are refused: their entry stays, with a problem, so that
/// mail for it waits and is not returned. Of two entries of one name the first holds.
[[nodiscard]] AliasesFile parse_aliases(std::string_view text, const std::string& file);

}  // namespace facteur::route
