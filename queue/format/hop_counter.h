// Counts the Received fields of a message's header while it streams by (RFC 5321 section 6.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace facteur::queue {

/// Takes content in any pieces. Field names count in any case, with white space before the colon (RFC 5322 section
/// 4.5); folded lines belong to the field before; the first empty line ends the header.
class HopCounter {
 public:
  void append(std::string_view octets);
  [[nodiscard]] std::uint32_t hops() const { return hops_; }

 private:
  void line_done();

  static constexpr std::size_t kept = 64;  // enough of a line to know its field
  std::string line_;
  std::size_t length_ = 0;  // octets of the line, kept or not
  std::uint32_t hops_ = 0;
  bool in_header_ = true;
};

}  // namespace facteur::queue
