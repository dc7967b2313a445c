// A message's content on its way to the wire: made 7-bit where it must be, long lines broken, dots doubled.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/mime/seven_bit_converter.h"
#include "common/smtp/dot_stuffing.h"
#include "delivery/remote/line_folder.h"

namespace facteur::remote {

/// Takes one message in pieces of any size.
class ContentEncoder {
 public:
  explicit ContentEncoder(std::size_t line_length_limit) : folder_(line_length_limit) {}

  /// Converts what will be written. Lines that become quoted-printable are too short to be broken behind it.
  void convert(mime::SevenBitPlan plan) { converter_.emplace(std::move(plan)); }
  [[nodiscard]] bool converts() const { return converter_.has_value(); }
  /// Encodes the next octets onto the end of `wire`.
  void write(std::string_view content, std::string& wire);
  /// Ends the content and the data.
  void finish(std::string& wire);

 private:
  std::optional<mime::SevenBitConverter> converter_;
  LineFolder folder_;
  smtp::DotStuffer stuffer_;
};

}  // namespace facteur::remote
