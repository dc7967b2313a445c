#include "common/base/line_buffer.h"

#include <algorithm>

#include "common/base/result.h"

namespace facteur {

void LineBuffer::append(std::string_view octets) {
  if (cursor_ > 0) {
    data_.erase(0, cursor_);
    searched_ -= std::min(searched_, cursor_);
    cursor_ = 0;
  }
  data_ += octets;
}

void LineBuffer::consume(std::size_t count) {
  check(count <= size(), "LineBuffer::consume: more than there is");
  cursor_ += count;
  searched_ = std::max(searched_, cursor_);
}

std::optional<std::string_view> LineBuffer::next_line() {
  const auto end = data_.find('\n', std::max(searched_, cursor_));
  if (end == std::string::npos) {
    searched_ = data_.size();
    return std::nullopt;
  }
  const auto line = std::string_view(data_).substr(cursor_, end - cursor_);
  cursor_ = searched_ = end + 1;
  return line;
}

void LineBuffer::release() {
  data_ = std::string();
  cursor_ = searched_ = 0;
}

}  // namespace facteur
