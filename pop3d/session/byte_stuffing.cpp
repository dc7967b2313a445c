#include "pop3d/session/byte_stuffing.h"

namespace facteur::pop3d {

void ByteStuffer::write(std::string_view content, std::string& wire) {
  while (!content.empty()) {
    if (at_line_start_ && content.front() == '.') wire += '.';
    const auto end = content.find('\n');
    const auto line = content.substr(0, end == std::string_view::npos ? end : end + 1);
    wire += line;
    at_line_start_ = end != std::string_view::npos;
    content.remove_prefix(line.size());
  }
}

void ByteStuffer::finish(std::string& wire) {
  wire += at_line_start_ ? ".\r\n" : "\r\n.\r\n";
}

}  // namespace facteur::pop3d
