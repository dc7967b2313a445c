#include "imapd/session/commands/section.h"

namespace facteur::imapd {

namespace {

using mime::Part;

/// The part `number` of a message with this root: the root itself is part 1 when it has no parts.
const Part* part_of_message(const mime::Summary& summary, const Part& root, std::uint32_t number) {
  if (!root.is_multipart()) return number == 1 ? &root : nullptr;
  return number <= root.children.size() ? &summary.parts[root.children[number - 1]] : nullptr;
}

/// The root of the message that a message/rfc822 part holds.
const Part* embedded_root(const mime::Summary& summary, const Part& part) {
  return part.is_message() && !part.children.empty() ? &summary.parts[part.children.front()] : nullptr;
}

/// The next step of a path, from a part: into its parts, or into the message it holds.
const Part* part_below(const mime::Summary& summary, const Part& part, std::uint32_t number) {
  if (part.is_multipart()) return part_of_message(summary, part, number);
  const auto* root = embedded_root(summary, part);
  return root != nullptr ? part_of_message(summary, *root, number) : nullptr;
}

const Part* find_part(const mime::Summary& summary, const std::vector<std::uint32_t>& path) {
  const auto* part = part_of_message(summary, summary.parts.front(), path.front());
  for (std::size_t i = 1; i < path.size() && part != nullptr; ++i) part = part_below(summary, *part, path[i]);
  return part;
}

std::optional<Extent> of_message(const Part& root, SectionText text, std::uint64_t begin, std::uint64_t end) {
  switch (text) {
    case SectionText::all: return Extent{begin, end};
    case SectionText::text: return Extent{root.body_begin, end};
    default: return Extent{root.header_begin, root.body_begin};
  }
}

}  // namespace

std::optional<Extent> find_section(const mime::Summary& summary, const Section& section) {
  if (section.path.empty()) return of_message(summary.parts.front(), section.text, 0, summary.size);
  const auto* part = find_part(summary, section.path);
  if (part == nullptr) return std::nullopt;
  if (section.text == SectionText::all) return Extent{part->body_begin, part->body_end};
  if (section.text == SectionText::mime) return Extent{part->header_begin, part->body_begin};
  // HEADER and TEXT of a part are those of the message it holds.
  const auto* root = embedded_root(summary, *part);
  if (root == nullptr) return std::nullopt;
  return of_message(*root, section.text, root->header_begin, root->body_end);
}

}  // namespace facteur::imapd
