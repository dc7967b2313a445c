#include "cli/sendmail/input.h"

#include <algorithm>
#include <utility>

namespace facteur::cli::sendmail {

void Input::add(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (dot_ends_ && line == ".") {
    ended_ = true;
    return;
  }
  const bool mbox_line = std::exchange(first_, false) && (line.starts_with("From ") || line.starts_with(">From "));
  if (mbox_line) return;
  const auto start = content_.size();
  content_ += line;
  const auto bare = std::count(line.begin(), line.end(), '\r');
  if (bare > 0) std::replace(content_.begin() + static_cast<std::ptrdiff_t>(start), content_.end(), '\r', '\n');
  content_ += '\n';
  wire_size_ += line.size() + static_cast<std::uint64_t>(bare) + 2;
}

bool Input::feed(std::string_view octets) {
  lines_.append(octets);
  // The bound is looked at when the whole lines are taken: what stands behind the dot does not count.
  while (!ended_) {
    const auto line = lines_.next_line();
    if (!line) break;
    add(*line);
  }
  return !ended_ && !too_large();
}

void Input::finish() {
  if (ended_ || too_large() || lines_.empty()) return;
  const std::string line(lines_.view());
  lines_.release();
  add(line);
}

}  // namespace facteur::cli::sendmail
