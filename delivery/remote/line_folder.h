// Lines too long for SMTP are broken on their way out, as Postfix does it (smtp_line_length_limit).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace facteur::remote {

/// Puts CRLF and a space into lines with more octets than the limit, so that a header field stays one field. Takes
/// pieces of any size; every CR and every LF ends a line.
class LineFolder {
 public:
  explicit LineFolder(std::size_t limit) : limit_(limit) {}
  [[nodiscard]] std::string fold(std::string_view octets);

 private:
  std::size_t limit_;
  std::size_t length_ = 0;  ///< of the line so far
};

}  // namespace facteur::remote
