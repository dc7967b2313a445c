// CRC-32C (Castagnoli, RFC 3720 appendix B.4): what the files of the queue and the UID list are checked with.
#pragma once

#include <cstdint>
#include <string_view>

namespace facteur {

/// The checksum of `octets` behind those that gave `before` (0 at the start).
[[nodiscard]] std::uint32_t crc32c(std::string_view octets, std::uint32_t before = 0);
/// The same without the processor's own instruction: for processors that have none, and for the test that both agree.
[[nodiscard]] std::uint32_t crc32c_by_tables(std::string_view octets, std::uint32_t before = 0);

}  // namespace facteur
