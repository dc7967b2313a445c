#include "queue/format/hop_counter.h"

#include "common/base/strings.h"

namespace facteur::queue {

void HopCounter::append(std::string_view octets) {
  while (in_header_ && !octets.empty()) {
    const auto end = octets.find('\n');
    const auto part = octets.substr(0, end);
    if (line_.size() < kept) line_ += part.substr(0, kept - line_.size());
    length_ += part.size();
    if (end == std::string_view::npos) return;
    octets.remove_prefix(end + 1);
    line_done();
  }
}

void HopCounter::line_done() {
  constexpr std::string_view name = "Received";
  if (length_ == 0 || (length_ == 1 && line_ == "\r")) {
    in_header_ = false;
  } else if (istarts_with(line_, name)) {
    const auto rest = trim(std::string_view(line_).substr(name.size()));
    if (rest.starts_with(':')) ++hops_;
  }
  line_.clear();
  length_ = 0;
}

}  // namespace facteur::queue
