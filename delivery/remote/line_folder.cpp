// Counting octets of lines.

#include "delivery/remote/line_folder.h"

#include <algorithm>

namespace facteur::remote {

std::string LineFolder::fold(std::string_view octets) {
  std::string out;
  out.reserve(octets.size());
  while (!octets.empty()) {
    auto text = octets.substr(0, octets.find_first_of("\r\n"));
    octets.remove_prefix(text.size());
    while (length_ + text.size() > limit_) {
      const auto fitting = limit_ - length_;
      out.append(text.substr(0, fitting)).append("\r\n ");
      text.remove_prefix(fitting);
      length_ = 1;
    }
    out += text;
    length_ += text.size();
    if (octets.empty()) break;
    out += octets.front();
    octets.remove_prefix(1);
    length_ = 0;
  }
  return out;
}

}  // namespace facteur::remote
