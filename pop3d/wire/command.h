// A POP3 command line (RFC 1939 section 3), and the lines of a connection within their bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/line_buffer.h"

namespace facteur::pop3d {

/// Octets of a command line, CRLF included (RFC 2449 section 4).
constexpr std::size_t max_command_line = 255;

/// A keyword and what stands behind the space that follows it.
struct CommandLine {
  std::string_view verb;
  std::string_view arguments;  ///< as sent, spaces and all: a password may have them
};

/// Splits a line without its line end. Nothing if it has a NUL, CR or other control character but tab, none of which
/// belongs in a command, or no keyword.
[[nodiscard]] std::optional<CommandLine> parse_command(std::string_view line);

/// The lines a client sent, cut out of octets that come in any pieces. LF alone ends a line as CRLF does: people type
/// POP3 by hand.
class LineReader {
 public:
  enum class State : std::uint8_t { line, incomplete, too_long };

  void append(std::string_view octets) { buffer_.append(octets); }
  /// Takes the next line into `line`, without its line end; it holds until the next append(). `too_long`: the line, or
  /// its beginning, has more than `most` octets; how the octets were cut makes no difference.
  [[nodiscard]] State next(std::size_t most, std::string_view& line);
  [[nodiscard]] std::string_view rest() const { return buffer_.view(); }
  [[nodiscard]] bool empty() const { return buffer_.empty(); }
  void release() { buffer_.release(); }

 private:
  LineBuffer buffer_;
};

}  // namespace facteur::pop3d
