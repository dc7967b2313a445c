// One line of a UID list: fields, a checksum, a line end (FORMAT.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::store {

/// A line that was read. Which of the numbers mean something depends on the type.
struct UidLine {
  char type = 0;  ///< 'F' or 'H' for the first line, else the letter that begins it
  std::uint64_t a = 0, b = 0, c = 0;
  std::string_view text;  ///< base name or keyword; a view into the line
};

/// The line of these fields, with checksum and LF.
[[nodiscard]] std::string seal_line(std::string_view fields);

/// The fields of a line without its LF; nothing if the checksum is wrong or it is none of ours.
[[nodiscard]] std::optional<UidLine> parse_line(std::string_view line);

}  // namespace facteur::store
