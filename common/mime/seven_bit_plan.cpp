#include "common/mime/seven_bit_plan.h"

#include <algorithm>

namespace facteur::mime {
namespace {

using Label = SevenBitStep::Label;
using Body = SevenBitStep::Body;
using Kind = WalkedPart::Kind;

bool has_eight_bit(std::string_view octets) {
  return std::ranges::any_of(octets, [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
}

/// What becomes of a body that has only itself to care for.
SevenBitStep step_of_leaf(TransferEncoding encoding, bool eight_bit) {
  if (encoding == TransferEncoding::quoted_printable) return {.body = eight_bit ? Body::mend : Body::copy};
  if (!eight_bit && encoding != TransferEncoding::eight_bit) return {};
  return {.label = Label::quoted_printable, .body = Body::encode};
}

/// What becomes of a part that may not be encoded (RFC 2045 section 6.4).
SevenBitStep step_of_container(TransferEncoding encoding, bool eight_bit) {
  return {.label = encoding == TransferEncoding::eight_bit ? Label::seven_bit : Label::keep,
          .body = eight_bit ? Body::mend : Body::copy};
}

/// A multipart without a delimiter is text.
bool is_text(const WalkedPart& part, bool has_parts) {
  return part.kind == Kind::leaf || (part.kind == Kind::multipart && !has_parts && !part.ended);
}

/// What becomes of a part without octets above 127 of its own, or of one with them that has no obstacle.
SevenBitStep step_of(const WalkedPart& part, bool eight_bit, bool has_parts) {
  const bool leaf = part.kind == Kind::leaf || (eight_bit && is_text(part, has_parts));
  return leaf ? step_of_leaf(part.encoding, eight_bit) : step_of_container(part.encoding, eight_bit);
}

/// Why such a body cannot lose its octets above 127; empty if it can.
std::string_view obstacle_of(const WalkedPart& part, bool has_parts) {
  if (part.kind == Kind::closed) return "a part of a composite type has them, and cannot be encoded";
  if (part.encoding == TransferEncoding::base64 && is_text(part, has_parts)) return "a part in base64 has them";
  // Some read it as text, some as nothing.
  if (part.ended && !has_parts) return "a multipart without parts has them";
  return {};
}

bool changes(const SevenBitStep& step) {
  return step.label != Label::keep || step.body != Body::copy;
}

/// Messages in which something changes have to be MIME.
void add_versions(const std::vector<WalkedPart>& parts, std::vector<SevenBitStep>& steps) {
  std::vector<bool> changed(parts.size());
  for (auto number = parts.size(); number-- > 0;) {  // children come behind their parents
    const auto& part = parts[number];
    auto& step = steps[number];
    if (!changed[number] && !changes(step)) continue;
    changed[part.parent] = true;
    step.add_version = part.is_message && !part.has_version;
    step.add_type = step.add_version && !part.has_type && step.label == Label::quoted_printable;
  }
}

}  // namespace

void SevenBitSurvey::add(std::string_view octets) {
  while (!octets.empty()) see(walker_.next(octets));
}

void SevenBitSurvey::see(const Piece& piece) {
  const bool told = piece.kind == Piece::Kind::body || piece.kind == Piece::Kind::delimiter;
  if (!told || !has_eight_bit(piece.octets)) return;
  found_ = true;
  if (piece.kind == Piece::Kind::delimiter) in_delimiter_ = true;
  eight_bit_.resize(std::max<std::size_t>(eight_bit_.size(), piece.part + 1));
  eight_bit_[piece.part] = true;
}

SevenBitPlan SevenBitSurvey::finish() {
  see(walker_.finish());
  if (!found_) return {};
  if (walker_.overflowed()) return {{}, "there are too many parts, or too many in each other"};
  if (in_delimiter_) return {{}, "a boundary has them"};
  const auto& parts = walker_.parts();
  eight_bit_.resize(parts.size());
  std::vector<bool> has_parts(parts.size());
  for (std::size_t number = 1; number < parts.size(); ++number) has_parts[parts[number].parent] = true;
  SevenBitPlan plan;
  for (std::size_t number = 0; number < parts.size(); ++number) {
    const bool eight_bit = eight_bit_[number];
    const auto obstacle = eight_bit ? obstacle_of(parts[number], has_parts[number]) : std::string_view();
    if (!obstacle.empty()) return {{}, std::string(obstacle)};
    plan.parts.push_back(step_of(parts[number], eight_bit, has_parts[number]));
  }
  add_versions(parts, plan.parts);
  return plan;
}

}  // namespace facteur::mime
