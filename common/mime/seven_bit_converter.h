// Makes a message of 7-bit octets of one that was surveyed (seven_bit_plan.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/mime/quoted_printable.h"
#include "common/mime/seven_bit_plan.h"

namespace facteur::mime {

/// The second reading: of the same octets, in any pieces. What bodies decode to stays the same, but that LF alone
/// becomes CRLF in bodies that are encoded anew.
class SevenBitConverter {
 public:
  explicit SevenBitConverter(SevenBitPlan plan) : plan_(std::move(plan)) {}

  /// Converts the next octets onto the end of `out`.
  void write(std::string_view octets, std::string& out);
  /// Behind the last octet.
  void finish(std::string& out);

 private:
  [[nodiscard]] SevenBitStep step() const;
  void take(const Piece& piece, std::string& out);
  void take_body(std::string_view octets, std::string& out);
  void end_fields(std::string& out);

  SevenBitPlan plan_;
  PartWalker walker_;
  std::uint32_t part_ = 0;  ///< the part that the last piece was of
  bool fields_due_ = true;  ///< its header goes on, and nothing was added to it
  QuotedPrintableEncoder encoder_;
  QuotedPrintableMender mender_;
};

}  // namespace facteur::mime
