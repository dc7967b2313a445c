#include "queue/format/header.h"

#include "common/base/crc32c.h"
#include "queue/format/little_endian.h"

namespace facteur::queue {
namespace {

constexpr std::size_t checksum_at = 60;
/// No part of a message comes near this; sums of offsets cannot overflow below it.
constexpr std::uint64_t max_part = std::uint64_t{1} << 48;

}  // namespace

std::string encode_header(const Header& header) {
  std::string out(header_octets, '\0');
  char* at = out.data();
  header_magic.copy(at, header_magic.size());
  put_little_endian(at + 8, format_version);
  put_little_endian(at + 12, header.envelope_octets);
  put_little_endian(at + 16, header.content_offset());
  put_little_endian(at + 24, header.content_octets);
  put_little_endian(at + 32, header.top_octets);
  put_little_endian(at + 40, header.end_offset());
  put_little_endian(at + 48, header.recipients);
  put_little_endian(at + checksum_at, crc32c(std::string_view(out).substr(0, checksum_at)));
  return out;
}

Result<Header> decode_header(std::string_view octets) {
  const auto written = octets.substr(0, header_octets).find_first_not_of('\0') != std::string_view::npos;
  if (!written || octets.size() < header_octets) {
    return fail(Kind::closed, "the message was never finished");
  }
  // The header is written at once: whatever else stands there may have been a message that was acknowledged.
  if (!octets.starts_with(header_magic) ||
      crc32c(octets.substr(0, checksum_at)) != get_little_endian<std::uint32_t>(octets, checksum_at)) {
    return fail(Kind::corrupt, "the header of the queue file is broken");
  }
  const auto version = get_little_endian<std::uint32_t>(octets, 8);
  if (version != format_version) {
    return fail(Kind::permanent, "the queue file has format version " + std::to_string(version) + ", not " +
                                     std::to_string(format_version));
  }
  Header header;
  header.envelope_octets = get_little_endian<std::uint32_t>(octets, 12);
  header.content_octets = get_little_endian<std::uint64_t>(octets, 24);
  header.top_octets = get_little_endian<std::uint64_t>(octets, 32);
  header.recipients = get_little_endian<std::uint32_t>(octets, 48);
  const bool sound = header.content_octets < max_part && header.top_octets < max_part &&
                     encode_header(header) == octets.substr(0, header_octets);
  if (!sound) return fail(Kind::corrupt, "the header of the queue file contradicts itself");
  return header;
}

}  // namespace facteur::queue
