// DotStuffer. Lines that end in CRLF are copied in one piece; each bare CR or LF, and each dot at the start of a line,
// ends such a piece.
#include <algorithm>

#include "common/smtp/dot_stuffing.h"

namespace facteur::smtp {
namespace {

std::size_t find(std::string_view octets, char c, std::size_t from) {
  return std::min(octets.find(c, from), octets.size());
}

}  // namespace

void DotStuffer::write(std::string_view content, std::string& wire) {
  if (content.empty()) return;
  // The LF of a CRLF that was cut after its CR: already written.
  if (after_cr_ && content.front() == '\n') content.remove_prefix(1);
  after_cr_ = false;
  std::size_t at = 0, copied = 0;
  const auto copy = [&](std::size_t end, std::size_t next) {
    wire.append(content, copied, end - copied);
    at = copied = next;
  };
  auto lf = find(content, '\n', 0);
  while (at < content.size()) {
    if (at_line_start_ && content[at] == '.') {
      copy(at, at);
      wire += '.';
    }
    if (lf < at) lf = find(content, '\n', at);
    const auto cr = at + find(content.substr(at, lf - at), '\r', 0);
    at_line_start_ = cr < content.size();
    if (!at_line_start_) {
      at = cr;
    } else if (cr + 1 == lf && lf < content.size()) {
      at = lf + 1;
    } else {
      after_cr_ = cr + 1 == content.size() && content[cr] == '\r';
      copy(cr, cr + 1);
      wire += "\r\n";
    }
  }
  copy(at, at);
}

void DotStuffer::finish(std::string& wire) {
  wire += at_line_start_ ? ".\r\n" : "\r\n.\r\n";
}

}  // namespace facteur::smtp
