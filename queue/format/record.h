// The framing of the records of a queue file (FORMAT.md, "Records"): length, kind, payload, checksum.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/ipc/message.h"
#include "queue/format/envelope.h"

namespace facteur::queue {

constexpr std::size_t record_head = 8;
constexpr std::size_t record_tail = 4;
/// Of the END record: u32, bool, u32 in its frame.
constexpr std::size_t end_record_octets = record_head + 9 + record_tail;

/// Adds a record to `out`. A payload above max_payload is a broken invariant.
void append_record(std::string& out, RecordKind kind, std::string_view payload);

/// The same for a struct with fields.
template <ipc::Fields Payload>
void append_record(std::string& out, RecordKind kind, Payload payload) {
  append_record(out, kind, std::string_view(ipc::to_octets(std::move(payload))));
}

/// A record that was found sound; the payload is a view into what was read.
struct Record {
  RecordKind kind{};
  std::string_view payload;
  std::size_t octets = 0;  ///< of the whole record
};

/// The record at the front of `octets`; nothing if it is cut short, too long, or its checksum is wrong.
[[nodiscard]] std::optional<Record> read_record(std::string_view octets);

/// The length of the record that begins with these record_head octets; nothing if it says more than max_payload.
[[nodiscard]] std::optional<std::size_t> record_length(std::string_view head);

}  // namespace facteur::queue
