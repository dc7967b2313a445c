#include "common/mime/summarizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/strings.h"
#include "common/mime/envelope.h"
#include "common/mime/imap_text.h"

namespace facteur::mime {
namespace {

void set_type(Part& part, std::string_view type, std::string_view subtype) {
  part.type = type;
  part.subtype = subtype;
  part.parameters.clear();
}

bool is_embedded_message(const Part& part) {
  return iequals(part.type, "message") && iequals(part.subtype, "rfc822");
}

/// A message that is encoded cannot be looked into, nor may it be (RFC 2046 section 5.2.1).
bool is_identity(std::string_view encoding) {
  return iequals(encoding, "7bit") || iequals(encoding, "8bit") || iequals(encoding, "binary");
}

}  // namespace

Summarizer::Summarizer() {
  begin_part(0);
}

void Summarizer::add(std::string_view octets) {
  while (!octets.empty()) {
    const auto lf = octets.find('\n');
    if (lf == std::string_view::npos) return keep(octets);
    const auto line = octets.substr(0, lf);
    octets.remove_prefix(lf + 1);
    if (line_size_ == 0) {
      end_line(line, lf + 1, line.ends_with('\r') ? 2 : 1);
      continue;
    }
    keep(line);
    const auto kept = std::exchange(line_, {});
    end_line(kept, std::exchange(line_size_, 0) + 1, last_octet_ == '\r' ? 2 : 1);
  }
}

Summary Summarizer::finish() {
  if (line_size_ > 0) end_line(std::exchange(line_, {}), line_size_, 0);
  const bool unended = line_begin_ > 0 && line_end_ == 0;
  end_parts(0, line_begin_, line_number_ + (unended ? 1 : 0));
  for (auto& part : summary_.parts) {
    if (part.is_multipart() && part.children.empty()) set_type(part, "TEXT", "PLAIN");
  }
  summary_.size = line_begin_;
  append_envelope(summary_.envelope_text, summary_.envelope);
  append_structure(summary_.structure_text, summary_.parts, true);
  return std::move(summary_);
}

/// Remembers the front of a line that has no end yet: as much as a delimiter or the header may need.
void Summarizer::keep(std::string_view octets) {
  if (octets.empty()) return;
  const auto most = std::max(max_delimiter + 2, in_header_ ? header_room() : 0);
  line_ += octets.substr(0, most - std::min(most, line_.size()));
  line_size_ += octets.size();
  last_octet_ = octets.back();
}

/// A whole line: its front, which is all of it if it is short, its octets, and those of its line end among them.
void Summarizer::end_line(std::string_view front, std::uint64_t size, std::uint64_t line_end) {
  const auto found = find_delimiter(front, size);
  bool header_ends = false;
  if (found.delimiter != Delimiter::none) {
    const auto lines = line_number_ - (empty_before_ ? 1 : 0);
    end_parts(found.depth + 1, line_begin_ - line_end_, lines);
  } else if (in_header_) {
    add_to_header(front);
    add_to_header("\n");
    header_ends = size == line_end;
  }
  empty_before_ = size == line_end;
  line_begin_ += size;
  line_number_ += line_end > 0 ? 1 : 0;
  line_end_ = line_end;
  if (found.delimiter == Delimiter::next) begin_part(line_begin_);
  if (found.delimiter == Delimiter::close) open_[found.depth].boundary.clear();
  if (header_ends) end_header(line_begin_);
}

Summarizer::Match Summarizer::find_delimiter(std::string_view front, std::uint64_t size) const {
  if (!front.starts_with("--") || size > max_delimiter + 2 || summary_.parts.size() >= max_parts) return {};
  const auto line = front.substr(0, front.find_last_not_of(" \t\r") + 1);
  for (std::size_t depth = open_.size(); depth > 0; --depth) {
    const auto delimiter = match_delimiter(line, open_[depth - 1].boundary);
    if (delimiter != Delimiter::none) return {delimiter, depth - 1};
  }
  return {};
}

std::size_t Summarizer::header_room() const {
  return std::min(max_header_octets - header_.size(), headers_left_);
}

void Summarizer::add_to_header(std::string_view octets) {
  octets = octets.substr(0, header_room());
  header_ += octets;
  headers_left_ -= octets.size();
}

void Summarizer::begin_part(std::uint64_t offset) {
  const auto index = static_cast<std::uint32_t>(summary_.parts.size());
  const auto parent = open_.empty() ? index : open_.back().part;
  auto& part = summary_.parts.emplace_back();
  part.header_begin = offset;
  part.parent = parent;
  if (parent != index) summary_.parts[parent].children.push_back(index);
  open_.push_back({.part = index, .boundary = {}});
  header_.clear();
  in_header_ = true;
}

void Summarizer::end_header(std::uint64_t body_begin) {
  auto& part = summary_.parts[open_.back().part];
  auto& parent = summary_.parts[part.parent];
  const bool root = open_.size() == 1;
  in_header_ = false;
  open_.back().first_line = line_number_;
  part.body_begin = std::max(body_begin, part.header_begin);
  read_content_fields(header_, !root && open_[open_.size() - 2].digest, part);
  if (root) summary_.envelope = read_envelope(header_, addresses_left_);
  if (!root && parent.is_message()) parent.envelope = read_envelope(header_, addresses_left_);
  look_into(part);
}

/// Decides whether the part whose header has ended has parts of its own.
void Summarizer::look_into(Part& part) {
  const bool message = is_embedded_message(part);
  if (!message && !part.is_multipart()) return;
  const bool room = open_.size() < max_depth && summary_.parts.size() < max_parts;
  if (!room || (message && !is_identity(part.encoding))) return set_type(part, "APPLICATION", "OCTET-STREAM");
  if (message) {
    part.envelope.emplace();  // filled at the end of its header
    return begin_part(part.body_begin);
  }
  open_.back().boundary = boundary_of(part.parameters);
  open_.back().digest = iequals(part.subtype, "digest");
}

/// Ends the open parts from index `depth` on, at an offset. `end_line` is the number of lines before it.
void Summarizer::end_parts(std::size_t depth, std::uint64_t end, std::uint64_t end_line) {
  // An embedded message begins in the header that is cut here, and is empty.
  while (in_header_) end_header(end);
  for (; open_.size() > depth; open_.pop_back()) end_part(open_.back(), end, end_line);
}

void Summarizer::end_part(const Open& open, std::uint64_t end, std::uint64_t end_line) {
  auto& part = summary_.parts[open.part];
  part.body_end = std::max(end, part.body_begin);
  if (!part.children.empty()) {
    // A last child that begins, or has its empty line, just before the delimiter keeps that line end; so do its
    // parents.
    part.body_end = std::max(part.body_end, summary_.parts[part.children.back()].body_end);
  }
  if (part.body_end == part.body_begin) return;
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  const auto last_line = part.body_end > end ? line_number_ : end_line;
  const auto lines = last_line - std::min(last_line, open.first_line);
  part.body_lines = static_cast<std::uint32_t>(std::min(most, lines));
}

}  // namespace facteur::mime
