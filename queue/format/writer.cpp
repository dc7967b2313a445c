#include "queue/format/writer.h"

#include <algorithm>

#include "common/base/crc32c.h"
#include "queue/format/record.h"

namespace facteur::queue {
namespace {

bool has_8bit(std::string_view octets) {
  return std::ranges::any_of(octets, [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
}

bool too_long(const Recipient& recipient) {
  return recipient.address.size() > max_address || recipient.original_address.size() > max_address ||
         recipient.orcpt.size() > max_address || recipient.owner.size() > max_address;
}

}  // namespace

Result<Writer> Writer::start(const Envelope& envelope, std::vector<Recipient> recipients) {
  if (recipients.empty()) return fail(Kind::permanent, "a message without recipients");
  if (recipients.size() > max_recipients) return fail(Kind::permanent, "too many recipients");
  if (std::ranges::any_of(recipients, too_long) || envelope.reverse_path.size() > max_address) {
    return fail(Kind::permanent, "an address is too long");
  }
  std::string records;
  append_record(records, RecordKind::envelope, envelope);
  std::uint32_t number = 0;
  for (auto& recipient : recipients) {
    recipient.number = ++number;
    append_record(records, RecordKind::recipient, std::move(recipient));
  }
  if (records.size() > max_envelope_octets) return fail(Kind::permanent, "the envelope is too large");
  Writer writer;
  writer.buffer_.assign(header_octets, '\0');
  writer.add(records);
  writer.header_.envelope_octets = static_cast<std::uint32_t>(records.size());
  writer.header_.recipients = number;
  return writer;
}

void Writer::add(std::string_view octets) {
  checksum_ = crc32c(octets, checksum_);
  buffer_ += octets;
}

void Writer::append(std::string_view content) {
  hop_counter_.append(content);
  if (!eight_bit_) eight_bit_ = has_8bit(content);
  content_octets_ += content.size();
  add(content);
}

Writer::Piece Writer::take() {
  Piece piece{offset_, std::move(buffer_)};
  offset_ += piece.octets.size();
  buffer_.clear();
  return piece;
}

std::vector<Writer::Piece> Writer::finish(std::string_view top_headers) {
  if (!eight_bit_) eight_bit_ = has_8bit(top_headers);
  add(top_headers);
  header_.content_octets = content_octets_;
  header_.top_octets = top_headers.size();
  const std::string header = encode_header(header_);
  append_record(buffer_, RecordKind::end, End{hop_counter_.hops(), eight_bit_, crc32c(header, checksum_)});

  std::vector<Piece> pieces;
  const bool whole = offset_ == 0;
  if (whole) buffer_.replace(0, header.size(), header);
  pieces.push_back(take());
  if (!whole) pieces.push_back({0, header});
  return pieces;
}

}  // namespace facteur::queue
