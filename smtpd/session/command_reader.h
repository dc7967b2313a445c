// Command lines out of the stream, with a bound on their length and on what is thrown away.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/line_buffer.h"

namespace facteur::smtpd {

/// Octets received and not used yet; lines come out while commands are expected, octets while a message is.
class CommandReader {
 public:
  enum class Outcome : std::uint8_t {
    none,      ///< no whole line is there yet
    line,      ///< `text`, without its line end
    too_long,  ///< told once; the rest of the line is thrown away as it comes
    flood,     ///< more than max_discarded octets without a line end
  };
  struct Line {
    Outcome outcome = Outcome::none;
    std::string_view text{};  ///< until the next append()
    bool bare_lf = false;     ///< it ended in LF without CR
  };

  void append(std::string_view octets) { in_.append(octets); }
  /// The next line of at most `limit` octets without its line end. CR LF ends a line, and so does a bare LF, which
  /// is told; a bare CR does not.
  [[nodiscard]] Line next(std::size_t limit);

  [[nodiscard]] std::string_view view() const { return in_.view(); }
  void consume(std::size_t count) { in_.consume(count); }
  [[nodiscard]] bool empty() const { return in_.empty(); }
  [[nodiscard]] std::size_t size() const { return in_.size(); }
  void release() { in_.release(); }

 private:
  [[nodiscard]] Line discard();

  LineBuffer in_;
  bool discarding_ = false;
  std::size_t discarded_ = 0;
};

}  // namespace facteur::smtpd
