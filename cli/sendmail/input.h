// The message as it comes on stdin, up to its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/line_buffer.h"

namespace facteur::cli::sendmail {

/// Takes octets in any pieces. Lines end in CRLF or LF; a lone CR inside a line becomes a line end now, as it would on
/// the wire, so that no header field hides behind one. An mbox's "From " line on top is dropped.
class Input {
 public:
  /// `limit`: most octets of the message with CRLF line ends, 0 for any. `dot_ends`: a dot alone ends it.
  Input(bool dot_ends, std::uint64_t limit) : dot_ends_(dot_ends), limit_(limit) {}

  /// False once nothing more is wanted: the dot was read, or the limit is broken.
  [[nodiscard]] bool feed(std::string_view octets);
  /// At the end of stdin: a last line without its line end is one.
  void finish();
  [[nodiscard]] bool too_large() const { return limit_ > 0 && wire_size_ + lines_.size() > limit_ && !ended_; }
  /// The message with LF line ends.
  [[nodiscard]] std::string& content() { return content_; }

 private:
  void add(std::string_view line);

  bool dot_ends_;
  std::uint64_t limit_;
  bool first_ = true;
  bool ended_ = false;
  LineBuffer lines_;
  std::string content_;
  std::uint64_t wire_size_ = 0;
};

}  // namespace facteur::cli::sendmail
