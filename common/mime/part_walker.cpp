// What a line is shows at its front: an empty line, a field's name, or, for one that begins with "--" while a boundary
// is open, the whole line. Only the front is kept until that is known.

#include "common/mime/part_walker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/strings.h"
#include "common/mime/parameters.h"
#include "common/mime/summary.h"

namespace facteur::mime {
namespace {

/// A line with a delimiter and its CRLF; no name of a field is looked at that is longer.
constexpr std::size_t max_front = max_delimiter + 2;

struct EncodingName {
  std::string_view name;
  TransferEncoding encoding;
};
constexpr std::array<EncodingName, 6> encoding_names{{
    {"", TransferEncoding::none},
    {"7bit", TransferEncoding::seven_bit},
    {"8bit", TransferEncoding::eight_bit},
    {"binary", TransferEncoding::eight_bit},
    {"quoted-printable", TransferEncoding::quoted_printable},
    {"base64", TransferEncoding::base64},
}};

TransferEncoding encoding_of(std::string_view body) {
  const auto name = parse_parameterized(body).value;
  const auto* found = std::ranges::find_if(encoding_names, [&](const auto& row) { return iequals(row.name, name); });
  return found == encoding_names.end() ? TransferEncoding::other : found->encoding;
}

bool is_identity(TransferEncoding encoding) {
  return encoding == TransferEncoding::none || encoding == TransferEncoding::seven_bit ||
         encoding == TransferEncoding::eight_bit;
}

/// ftext of RFC 5322 section 3.6.8.
bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

PartWalker::PartWalker() {
  begin_part(0);
}

Piece PartWalker::next(std::string_view& octets) {
  if (std::exchange(front_told_, false)) front_.clear();
  if (octets.empty()) return {};
  // No delimiter and no header can follow.
  if (!in_header_ && boundaries_ == 0) return content(std::exchange(octets, {}));
  const bool plain = front_.empty() && !in_header_ && octets.front() != '-';
  if (!at_front_ || plain) return rest_of_line(octets);
  while (!octets.empty()) {
    front_ += octets.front();
    octets.remove_prefix(1);
    if (is_decided()) return end_front();
  }
  return {};
}

Piece PartWalker::finish() {
  if (std::exchange(front_told_, false)) front_.clear();
  return front_.empty() ? Piece{} : end_front();
}

/// Octets behind a front. In a body, as many lines as cannot be delimiters.
Piece PartWalker::rest_of_line(std::string_view& octets) {
  const auto end = octets.find(in_header_ ? "\n" : "\n-");
  const auto taken = octets.substr(0, end == std::string_view::npos ? end : end + 1);
  octets.remove_prefix(taken.size());
  at_front_ = taken.ends_with('\n');
  return content(taken);
}

Piece PartWalker::content(std::string_view octets) {
  if (!in_header_) return {.kind = Piece::Kind::body, .part = open_.back().part, .octets = octets};
  if (kept_ != nullptr) {
    auto& kept = this->*kept_;
    kept += octets.substr(0, max_content_field - std::min(max_content_field, kept.size()));
  }
  return {.kind = Piece::Kind::field, .field = field_, .part = open_.back().part, .octets = octets};
}

bool PartWalker::may_be_delimiter() const {
  return boundaries_ > 0 && std::string_view("--").starts_with(std::string_view(front_).substr(0, 2));
}

/// True once the front says what the line is.
bool PartWalker::is_decided() const {
  if (front_.back() == '\n' || front_.size() >= max_front) return true;
  if (may_be_delimiter()) return false;
  return !in_header_ || is_wsp(front_[0]) || front_.back() == ':';
}

Piece PartWalker::end_front() {
  front_told_ = true;
  at_front_ = front_.ends_with('\n');
  const auto found = find_delimiter();
  if (found.delimiter != Delimiter::none) return end_parts(found);
  if (!in_header_) return content(front_);
  return front_ == "\r\n" || front_ == "\n" ? end_header() : begin_field();
}

PartWalker::Match PartWalker::find_delimiter() {
  const bool whole = front_.size() < max_front || front_.ends_with('\n');
  if (!may_be_delimiter() || front_.size() < 2 || !whole) return {};
  const auto line = std::string_view(front_).substr(0, front_.find_last_not_of(" \t\r\n") + 1);
  for (auto depth = open_.size(); depth > 0; --depth) {
    const auto delimiter = match_delimiter(line, open_[depth - 1].boundary);
    if (delimiter == Delimiter::none) continue;
    const bool room = parts_.size() < max_parts;
    if (!room) overflowed_ = true;
    return room ? Match{delimiter, depth - 1} : Match{};
  }
  return {};
}

/// At a line of a header that is not empty.
Piece PartWalker::begin_field() {
  const auto part = open_.back().part;
  if (is_wsp(front_[0])) return content(front_);  // the field goes on
  kept_ = nullptr;
  field_ = Piece::Field::any;
  const auto colon = front_.find(':');
  const auto written = std::string_view(front_).substr(0, std::min(colon, front_.size()));
  const auto name = written.substr(0, written.find_last_not_of(" \t") + 1);
  const bool too_long = colon == std::string::npos && front_.size() >= max_front;
  if (!too_long && (colon == std::string::npos || !is_field_name(name))) field_ = Piece::Field::junk;
  if (iequals(name, "MIME-Version")) parts_[part].has_version = true;
  if (iequals(name, "Content-Type") && !std::exchange(parts_[part].has_type, true)) kept_ = &PartWalker::type_;
  if (iequals(name, "Content-Transfer-Encoding")) {
    field_ = Piece::Field::transfer_encoding;
    if (!std::exchange(has_encoding_, true)) kept_ = &PartWalker::encoding_;
  }
  return {.kind = Piece::Kind::field, .field = field_, .part = part, .octets = front_};
}

Piece PartWalker::end_header() {
  const auto part = open_.back().part;
  read_header();
  in_header_ = false;
  if (parts_[part].kind == WalkedPart::Kind::message) begin_part(part);
  return {.kind = Piece::Kind::header_end, .part = part, .octets = front_};
}

/// At a delimiter: all parts inside its multipart end, and a header that it stands in.
Piece PartWalker::end_parts(const Match& found) {
  if (std::exchange(in_header_, false)) read_header();
  for (; open_.size() > found.depth + 1; open_.pop_back()) boundaries_ -= open_.back().boundary.empty() ? 0 : 1;
  auto& multipart = open_.back();
  const Piece piece{.kind = Piece::Kind::delimiter, .part = multipart.part, .octets = front_};
  if (found.delimiter == Delimiter::next) {
    begin_part(multipart.part);
  } else {
    parts_[multipart.part].ended = true;
    multipart.boundary.clear();
    --boundaries_;
  }
  return piece;
}

void PartWalker::begin_part(std::uint32_t parent) {
  const bool in_message = parts_.empty() || parts_[parent].kind == WalkedPart::Kind::message;
  open_.push_back({.part = static_cast<std::uint32_t>(parts_.size()), .boundary = {}});
  parts_.push_back({.parent = parent, .is_message = in_message});
  in_header_ = true;
  field_ = Piece::Field::junk;  // until a field begins
  kept_ = nullptr;
  type_.clear();
  encoding_.clear();
  has_encoding_ = false;
}

/// What the header that has ended says of its part.
void PartWalker::read_header() {
  auto& part = parts_[open_.back().part];
  part.encoding = encoding_of(encoding_);
  const auto type = parse_content_type(type_);
  if (type) return look_into(type->type, type->subtype, boundary_of(type->parameters));
  const bool in_digest = open_.size() > 1 && !part.is_message && open_[open_.size() - 2].digest;
  if (in_digest) look_into("message", "rfc822", {});
}

/// Decides whether the part whose header has ended has parts of its own.
void PartWalker::look_into(std::string_view type, std::string_view subtype, std::string boundary) {
  auto& part = parts_[open_.back().part];
  const bool embedded = iequals(type, "message") && iequals(subtype, "rfc822");
  const bool multipart = iequals(type, "multipart") && !boundary.empty();
  if (iequals(type, "message") && (iequals(subtype, "partial") || iequals(subtype, "external-body"))) {
    part.kind = WalkedPart::Kind::closed;
  }
  if (!embedded && !multipart) return;
  const bool room = open_.size() < max_depth && parts_.size() < max_parts;
  if (!room) overflowed_ = true;
  part.kind = WalkedPart::Kind::closed;
  if (!room || (embedded && !is_identity(part.encoding))) return;
  part.kind = embedded ? WalkedPart::Kind::message : WalkedPart::Kind::multipart;
  if (embedded) return;
  open_.back().boundary = std::move(boundary);
  open_.back().digest = iequals(subtype, "digest");
  ++boundaries_;
}

}  // namespace facteur::mime
