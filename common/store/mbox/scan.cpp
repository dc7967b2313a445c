// Reading an mbox line by line.
#include "common/store/mbox/scan.h"

#include <algorithm>
#include <fmt/format.h>

#include "common/base/crc32c.h"
#include "common/base/strings.h"
#include "common/store/content.h"
#include "common/store/mbox/from.h"

namespace facteur::store {
namespace {

constexpr std::size_t chunk = 1 << 20;

bool is_empty_line(std::string_view text) {
  return text == "\n" || text == "\r\n";
}

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Takes lines and makes messages.
class Scanner {
 public:
  /// A line or a piece of one at `offset`; `starts` and `ends` tell which.
  void piece(std::uint64_t offset, std::string_view text, bool starts, bool ends) {
    const bool parted = starts && after_empty_;
    const auto date = parted && ends ? parse_from_line(without_line_end(text)) : std::nullopt;
    const bool empty = starts && is_empty_line(text);
    if (date) {
      finish(offset);
      begin(offset, text, *date);
    } else if (!scan_.messages.empty()) {
      add(offset, text, starts, empty);
    }
    after_empty_ = empty;
    scan_.ends_with_empty_line = empty;
    scan_.ends_with_line_end = text.ends_with('\n');
  }

  MboxScan end(std::uint64_t size) {
    finish(size);
    scan_.size = size;
    if (size == 0) scan_.ends_with_empty_line = scan_.ends_with_line_end = true;
    return std::move(scan_);
  }

 private:
  void begin(std::uint64_t offset, std::string_view text, std::int64_t date) {
    auto& message = scan_.messages.emplace_back();
    message.begin = offset;
    message.header = message.body = offset + text.size();
    message.date = date;
    filter_ = MboxFilter();
    checksum_ = 0;
    from_checksum_ = crc32c(without_line_end(text));
    last_ = '\n';
    held_.clear();
    pseudo_subject_ = false;
  }

  void add(std::uint64_t offset, std::string_view text, bool starts, bool empty) {
    auto& message = scan_.messages.back();
    const bool was_header = filter_.in_header();
    if (was_header && starts) read_field(text, message);
    const auto shown = filter_.show(text, starts);
    if (was_header) message.body = offset + text.size();
    count(held_);
    held_.clear();
    // An empty line of the body may be the one that parts this message from the next.
    if (empty && !was_header) {
      held_ = text;
    } else {
      count(shown);
    }
  }

  void read_field(std::string_view text, MboxMessage& message) {
    if (is_status_field(text)) read_status_field(without_line_end(text), message.status);
    if (istarts_with(text, "Subject:") && trim(text.substr(8)) == pseudo_subject) pseudo_subject_ = true;
  }

  void count(std::string_view shown) {
    if (shown.empty()) return;
    auto& message = scan_.messages.back();
    message.size += crlf_size(shown) - (last_ == '\r' && shown.front() == '\n' ? 1 : 0);
    checksum_ = crc32c(shown, checksum_);
    last_ = shown.back();
  }

  void finish(std::uint64_t next) {
    if (scan_.messages.empty()) return;
    auto& message = scan_.messages.back();
    message.next = next;
    message.end = next - held_.size();
    message.body = std::min(message.body, message.end);
    message.open_end = message.size > 0 && last_ != '\n';
    message.identity = fmt::format("{:08x}{:08x}-{}", checksum_, from_checksum_, message.size);
    message.pseudo = scan_.messages.size() == 1 && pseudo_subject_ && message.status.internal;
  }

  MboxScan scan_;
  MboxFilter filter_;
  bool after_empty_ = true;
  std::string held_;  ///< an empty line that was not counted yet
  std::uint32_t checksum_ = 0;
  std::uint32_t from_checksum_ = 0;
  char last_ = '\n';
  bool pseudo_subject_ = false;
};

/// Cuts octets that come in chunks into lines and pieces of lines for a Scanner.
class Cutter {
 public:
  explicit Cutter(Scanner& scanner) : scanner_(scanner) {}

  void add(std::string_view octets) {
    rest_ += octets;
    std::string_view text = rest_;
    for (;;) {
      const auto end = text.find('\n');
      if (end == std::string_view::npos && text.size() < max_line_piece) break;
      const bool whole = end < max_line_piece;
      put(text.substr(0, whole ? end + 1 : max_line_piece), whole);
      text.remove_prefix(whole ? end + 1 : max_line_piece);
    }
    rest_.erase(0, rest_.size() - text.size());
  }
  MboxScan end() {
    if (!rest_.empty()) put(rest_, true);
    return scanner_.end(offset_);
  }

 private:
  void put(std::string_view text, bool ends) {
    scanner_.piece(offset_, text, starts_, starts_ && ends);
    offset_ += text.size();
    starts_ = ends;
  }

  Scanner& scanner_;
  std::string rest_;
  std::uint64_t offset_ = 0;
  bool starts_ = true;
};

}  // namespace

std::string_view MboxFilter::show(std::string_view text, bool starts) {
  if (!in_header_) return starts && text.starts_with('>') && wants_quote(text) ? text.substr(1) : text;
  if (!starts) return hiding_ ? std::string_view() : text;
  if (is_empty_line(text)) {
    in_header_ = false;
    return text;
  }
  if (!is_wsp(text.front())) hiding_ = is_status_field(text);
  return hiding_ ? std::string_view() : text;
}

Result<MboxScan> scan_mbox(int fd, std::uint64_t size, fs::Files& files) {
  Scanner scanner;
  Cutter cutter(scanner);
  for (std::uint64_t offset = 0; offset < size;) {
    const auto octets =
        files.read_at(fd, offset, static_cast<std::size_t>(std::min<std::uint64_t>(chunk, size - offset)));
    if (!octets) return fail(octets);
    if (octets->empty()) break;
    cutter.add(*octets);
    offset += octets->size();
  }
  return cutter.end();
}

MboxScan scan_mbox(std::string_view octets) {
  Scanner scanner;
  Cutter cutter(scanner);
  cutter.add(octets);
  return cutter.end();
}

std::string mbox_content(std::string_view raw) {
  MboxFilter filter;
  std::string out;
  bool starts = true;
  while (!raw.empty()) {
    const auto end = raw.find('\n');
    const bool whole = end < max_line_piece;
    const auto text = raw.substr(0, whole ? end + 1 : max_line_piece);
    out += filter.show(text, starts);
    starts = whole;
    raw.remove_prefix(text.size());
  }
  return to_crlf(out);
}

}  // namespace facteur::store
