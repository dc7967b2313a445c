#include "queue/format/reader.h"

#include <algorithm>

#include "common/base/crc32c.h"

namespace facteur::queue {
namespace {

/// Takes one record after the other from an octet range of the file.
class Records {
 public:
  Records(ReadAhead& window, std::uint64_t begin, std::uint64_t end) : window_(window), at_(begin), end_(end) {}

  [[nodiscard]] std::uint64_t at() const { return at_; }

  /// The next record, a view until the next call; nothing where the records end or break off.
  Result<std::optional<Record>> next() {
    const auto head = window_.view(at_, record_head);
    if (!head) return fail(head);
    const auto length = record_length(*head);
    if (!length || *length > end_ - at_) return std::nullopt;
    const auto octets = window_.view(at_, *length);
    if (!octets) return fail(octets);
    const auto record = read_record(*octets);
    if (record) at_ += record->octets;
    return record;
  }

 private:
  ReadAhead& window_;
  std::uint64_t at_;
  std::uint64_t end_;
};

std::unexpected<Error> broken(std::string_view part) {
  return fail(Kind::corrupt, std::string(part) + " of the queue file is broken");
}

/// The payload of the next record, which must be of this kind; Kind::corrupt with `part` otherwise.
template <ipc::Fields Payload>
Result<Payload> expect(Records& records, RecordKind kind, std::string_view part) {
  const auto record = records.next();
  if (!record) return fail(record);
  if (!*record || (*record)->kind != kind) return broken(part);
  auto payload = ipc::from_octets<Payload>(std::string((*record)->payload));
  if (!payload) return broken(part);
  return payload;
}

Result<> load_envelope(ReadAhead& window, Message& message) {
  const auto& header = message.header;
  if (header.envelope_octets > max_envelope_octets || header.recipients == 0 || header.recipients > max_recipients) {
    return broken("the size of the envelope");
  }
  Records records(window, header_octets, header.content_offset());
  auto envelope = expect<Envelope>(records, RecordKind::envelope, "the envelope");
  if (!envelope) return fail(envelope);
  message.envelope = std::move(*envelope);
  for (std::uint32_t number = 1; number <= header.recipients; ++number) {
    auto recipient = expect<Recipient>(records, RecordKind::recipient, "a recipient");
    if (!recipient) return fail(recipient);
    if (recipient->number != number || recipient->parent != 0) return broken("the order of recipients");
    message.recipients.push_back({std::move(*recipient), Standing::pending, {}, {}});
  }
  if (records.at() != header.content_offset()) return broken("the length of the envelope");
  return {};
}

Result<> load_log(ReadAhead& window, Message& message) {
  Records records(window, message.log_end, message.log_end + max_log_octets);
  LogReplay replay(message);
  for (;;) {
    const auto record = records.next();
    if (!record) return fail(record);
    if (!*record || !replay.apply(**record)) return {};
    if (replay.at_rest()) message.log_end = records.at();
  }
}

}  // namespace

Result<Message> load(Octets& octets) {
  ReadAhead window(octets);
  const auto head = window.view(0, header_octets);
  if (!head) return fail(head);
  const auto header = decode_header(*head);
  if (!header) return fail(header);
  Message message;
  message.header = *header;
  if (auto envelope = load_envelope(window, message); !envelope) return fail(envelope);

  Records behind(window, header->end_offset(), header->end_offset() + record_head + max_payload + record_tail);
  const auto end = expect<End>(behind, RecordKind::end, "the end");
  if (!end) return fail(end);
  message.end = *end;
  message.log_end = behind.at();
  if (auto log = load_log(window, message); !log) return fail(log);
  return message;
}

Result<> verify(Octets& octets, const Message& message) {
  constexpr std::size_t step = 256 * 1024;
  const auto end = message.header.end_offset();
  std::uint32_t checksum = 0;
  for (std::uint64_t at = header_octets; at < end;) {
    const auto piece = octets.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(step, end - at)));
    if (!piece) return fail(piece);
    if (piece->empty()) return broken("the content");
    checksum = crc32c(*piece, checksum);
    at += piece->size();
  }
  checksum = crc32c(encode_header(message.header), checksum);
  if (checksum != message.end.checksum) return broken("the checksum");
  return {};
}

Result<Content> Content::open(fs::Files& files, int fd) {
  const auto head = files.read_at(fd, 0, header_octets);
  if (!head) return fail(head);
  const auto header = decode_header(*head);
  if (!header) return fail(header);
  return Content(files, fd, *header);
}

Result<std::string> Content::read(std::uint64_t offset, std::size_t most) const {
  if (offset >= size()) return std::string();
  const bool on_top = offset < header_.top_octets;
  const auto left = (on_top ? header_.top_octets : size()) - offset;
  const auto at = on_top ? header_.top_offset() + offset : header_.content_offset() + (offset - header_.top_octets);
  auto octets = files_->read_at(fd_, at, static_cast<std::size_t>(std::min<std::uint64_t>(most, left)));
  if (octets && octets->empty()) return broken("the content");
  return octets;
}

}  // namespace facteur::queue
