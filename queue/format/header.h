// The fixed header of a queue file (FORMAT.md, "Header").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace facteur::queue {

constexpr std::size_t header_octets = 64;
constexpr std::string_view header_magic = "FACTEURQ";
constexpr std::uint32_t format_version = 1;

/// Where the parts of the file lie.
struct Header {
  std::uint32_t envelope_octets = 0;
  std::uint64_t content_octets = 0;
  std::uint64_t top_octets = 0;
  std::uint32_t recipients = 0;

  [[nodiscard]] std::uint64_t content_offset() const { return header_octets + std::uint64_t{envelope_octets}; }
  [[nodiscard]] std::uint64_t top_offset() const { return content_offset() + content_octets; }
  [[nodiscard]] std::uint64_t end_offset() const { return top_offset() + top_octets; }
  friend bool operator==(const Header&, const Header&) = default;
};

/// The header as 64 octets.
[[nodiscard]] std::string encode_header(const Header& header);

/// Why a header is not one of ours: Kind::closed when the file was never finished (nothing but zeros, or too
/// little, stands there), Kind::permanent for another version, Kind::corrupt for anything else.
[[nodiscard]] Result<Header> decode_header(std::string_view octets);

}  // namespace facteur::queue
