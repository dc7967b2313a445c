// Reading queue files (queue/FORMAT.md).

#include "delivery/remote/message_source.h"

#include <utility>

#include "queue/format/record.h"

namespace facteur::remote {

namespace {

/// END stands behind the message.
Result<queue::End> read_end(fs::Files& files, int fd) {
  const auto head = files.read_at(fd, 0, queue::header_octets);
  if (!head) return fail(head);
  const auto header = queue::decode_header(*head);
  if (!header) return fail(header);
  constexpr std::size_t most = 256;  // END is far shorter
  const auto octets = files.read_at(fd, header->end_offset(), most);
  if (!octets) return fail(octets);
  const auto record = queue::read_record(*octets);
  if (!record || record->kind != queue::RecordKind::end) return fail(Kind::corrupt, "queue file without END");
  return ipc::from_octets<queue::End>(std::string(record->payload));
}

}  // namespace

Result<MessageSource> MessageSource::open(Fd file, fs::Files& files) {
  const auto end = read_end(files, file.get());
  if (!end) return fail(end);
  const auto content = queue::Content::open(files, file.get());
  if (!content) return fail(content);
  return MessageSource(std::move(file), *content, end->eight_bit);
}

Result<std::string> MessageSource::next() {
  auto octets = content_.read(offset_, piece_octets);
  if (octets) offset_ += octets->size();
  return octets;
}

}  // namespace facteur::remote
