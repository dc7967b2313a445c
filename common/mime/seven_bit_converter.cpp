// Parts begin and end between lines, where neither encoder holds anything back: one of each serves them all.

#include "common/mime/seven_bit_converter.h"

#include <array>
#include <utility>

namespace facteur::mime {

using Body = SevenBitStep::Body;

void SevenBitConverter::write(std::string_view octets, std::string& out) {
  while (!octets.empty()) take(walker_.next(octets), out);
}

void SevenBitConverter::finish(std::string& out) {
  take(walker_.finish(), out);
  encoder_.finish(out);
  mender_.finish(out);
}

SevenBitStep SevenBitConverter::step() const {
  return part_ < plan_.parts.size() ? plan_.parts[part_] : SevenBitStep{};
}

void SevenBitConverter::take(const Piece& piece, std::string& out) {
  if (piece.kind == Piece::Kind::nothing) return;
  const bool in_header = piece.kind == Piece::Kind::field || piece.kind == Piece::Kind::header_end;
  if (piece.kind == Piece::Kind::delimiter) end_fields(out);  // of a header without an empty line
  if (std::exchange(part_, piece.part) != piece.part && in_header) fields_due_ = true;
  if (piece.kind == Piece::Kind::body) return take_body(piece.octets, out);
  // What no field can begin with, some readers take for the body.
  if (piece.kind == Piece::Kind::header_end || piece.field == Piece::Field::junk) end_fields(out);
  const bool replaced = piece.field == Piece::Field::transfer_encoding && step().label != SevenBitStep::Label::keep;
  if (!replaced) out += piece.octets;
}

void SevenBitConverter::take_body(std::string_view octets, std::string& out) {
  const auto body = step().body;
  if (body == Body::encode) return encoder_.write(octets, out);
  if (body == Body::mend) return mender_.write(octets, out);
  out += octets;
}

/// Puts what is new behind the fields of a header.
void SevenBitConverter::end_fields(std::string& out) {
  constexpr std::array<std::string_view, 3> labels{"", "Content-Transfer-Encoding: 7bit\r\n",
                                                   "Content-Transfer-Encoding: quoted-printable\r\n"};
  if (!std::exchange(fields_due_, false)) return;
  if (step().add_version) out += "MIME-Version: 1.0\r\n";
  if (step().add_type) out += "Content-Type: text/plain; charset=unknown-8bit\r\n";
  out += labels[static_cast<std::size_t>(step().label)];
}

}  // namespace facteur::mime
