#include "pop3d/session/top_filter.h"

#include <algorithm>

namespace facteur::pop3d {

std::size_t TopFilter::feed(std::string_view octets) {
  std::size_t at = 0;
  while (at < octets.size() && !done()) {
    const auto end = octets.find('\n', at);
    const auto line = octets.substr(at, end == std::string_view::npos ? end : end - at);
    if (std::ranges::any_of(line, [](char c) { return c != '\r'; })) line_is_empty_ = false;
    if (end == std::string_view::npos) return octets.size();
    if (!in_header_) --left_;
    if (line_is_empty_) in_header_ = false;
    line_is_empty_ = true;
    at = end + 1;
  }
  return at;
}

}  // namespace facteur::pop3d
