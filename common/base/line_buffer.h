// The read buffer of every line protocol: octets go in as they come, lines come out; a cursor instead of erase().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace facteur {

/// Octets received and not yet used. Views into it hold until the next append() or release().
class LineBuffer {
 public:
  /// Adds octets behind; drops what was consumed first.
  void append(std::string_view octets);
  /// What is there.
  [[nodiscard]] std::string_view view() const { return std::string_view(data_).substr(cursor_); }
  [[nodiscard]] std::size_t size() const { return data_.size() - cursor_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// Marks `count` octets at the front (at most size()) as used.
  void consume(std::size_t count);
  /// Takes the octets up to and including the next LF; the line comes without its LF, and with its CR, if it had one,
  /// so that the caller can tell. Nothing if no LF is there yet; what was searched is not searched again.
  [[nodiscard]] std::optional<std::string_view> next_line();
  /// Forgets all octets and gives the memory back.
  void release();

 private:
  std::string data_;
  std::size_t cursor_ = 0;
  std::size_t searched_ = 0;  ///< offset in data_ before which there is no LF at or behind the cursor
};

}  // namespace facteur
