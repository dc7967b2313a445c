#include "queue/format/record.h"

#include <array>

#include "common/base/crc32c.h"
#include "queue/format/little_endian.h"

namespace facteur::queue {

void append_record(std::string& out, RecordKind kind, std::string_view payload) {
  check(payload.size() <= max_payload, "a record of the queue file is too long");
  const auto start = out.size();
  std::array<char, record_head> head{};
  put_little_endian(head.data(), static_cast<std::uint32_t>(payload.size()));
  put_little_endian(head.data() + 4, static_cast<std::uint16_t>(kind));
  out.append(head.data(), head.size());
  out += payload;
  std::array<char, record_tail> tail{};
  put_little_endian(tail.data(), crc32c(std::string_view(out).substr(start)));
  out.append(tail.data(), tail.size());
}

std::optional<std::size_t> record_length(std::string_view head) {
  if (head.size() < record_head) return std::nullopt;
  const auto payload = get_little_endian<std::uint32_t>(head, 0);
  if (payload > max_payload) return std::nullopt;
  return record_head + payload + record_tail;
}

std::optional<Record> read_record(std::string_view octets) {
  const auto length = record_length(octets);
  if (!length || *length > octets.size()) return std::nullopt;
  const auto checked = octets.substr(0, *length - record_tail);
  if (crc32c(checked) != get_little_endian<std::uint32_t>(octets, checked.size())) return std::nullopt;
  if (get_little_endian<std::uint16_t>(octets, 6) != 0) return std::nullopt;
  return Record{static_cast<RecordKind>(get_little_endian<std::uint16_t>(octets, 4)), checked.substr(record_head),
                *length};
}

}  // namespace facteur::queue
