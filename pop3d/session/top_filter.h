// TOP (RFC 1939 section 7): lets the header, the empty line and so many lines of the body through.
#pragma once

#include <cstdint>
#include <string_view>

namespace facteur::pop3d {

class TopFilter {
 public:
  explicit TopFilter(std::uint64_t body_lines) : left_(body_lines) {}
  /// How many of these octets, the next of a message with CRLF line ends, are to be sent. Less than all: done().
  [[nodiscard]] std::size_t feed(std::string_view octets);
  [[nodiscard]] bool done() const { return !in_header_ && left_ == 0; }

 private:
  std::uint64_t left_;  ///< lines of the body still to be sent
  bool in_header_ = true;
  bool line_is_empty_ = true;  ///< no octet of the present line but CR was seen
};

}  // namespace facteur::pop3d
