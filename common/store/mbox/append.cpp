// Appending to an mbox.
#include <algorithm>

#include "common/base/strings.h"
#include "common/store/content.h"
#include "common/store/mbox/from.h"
#include "common/store/mbox/write.h"

namespace facteur::store {
namespace {

constexpr std::size_t chunk = 256 << 10;
constexpr std::size_t max_header = 1 << 20;  ///< octets of a header in which forged fields are looked for

/// Writes behind the end of a file, in large pieces.
class Tail {
 public:
  Tail(int fd, std::uint64_t offset, fs::Files& files) : fd_(fd), offset_(offset), files_(&files) {}

  Result<> add(std::string_view octets) {
    if (!octets.empty()) last_ = octets.back();
    buffer_ += octets;
    return buffer_.size() < chunk ? Result<>() : flush();
  }
  Result<> flush() {
    if (auto written = files_->write_at(fd_, buffer_, offset_); !written) return written;
    offset_ += buffer_.size();
    buffer_.clear();
    return {};
  }
  [[nodiscard]] bool at_line_start() const { return last_ == '\n'; }

 private:
  int fd_;
  std::uint64_t offset_;
  fs::Files* files_;
  std::string buffer_;
  char last_ = '\n';
};

/// Lines of a message with LF, those that mboxrd quotes with one more '>'.
class Quoter {
 public:
  Result<> add(std::string_view text, Tail& tail) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      const auto line = text.substr(0, end == std::string_view::npos ? end : end + 1);
      if (starts_ && wants_quote(line)) {
        if (auto added = tail.add(">"); !added) return added;
      }
      if (auto added = tail.add(line); !added) return added;
      starts_ = end != std::string_view::npos;
      text.remove_prefix(line.size());
    }
    return {};
  }

 private:
  bool starts_ = true;
};

/// Where the header of a message ends: behind its empty line, or nowhere.
std::size_t header_end(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  const auto at = text.find("\n\n");
  return at == std::string_view::npos ? std::string_view::npos : at + 2;
}

/// The whole of a message with LF. A message that is delivered is held in memory once: its lines have to be seen whole.
Result<std::string> read_with_lf(Content& message) {
  auto text = read_all(message);
  if (!text) return text;
  return to_lf(*text);
}

Result<> add_message(const MboxAddition& addition, Tail& tail) {
  const auto text = read_with_lf(*addition.message);
  if (!text) return fail(text);
  const std::string_view view = *text;
  const auto end = std::min(header_end(view.substr(0, max_header)), view.size());
  const auto header = without_forgeable(view.substr(0, end));
  // The status goes before the empty line that ends the header, and a header must end in one.
  std::string top = to_lf(addition.headers);
  top += header.ends_with("\n\n") || header == "\n" ? header.substr(0, header.size() - 1) : header;
  if (!top.empty() && !top.ends_with('\n')) top += '\n';
  top += addition.status + '\n';
  Quoter quoter;
  if (auto added = tail.add(addition.from_line); !added) return added;
  if (auto added = quoter.add(top, tail); !added) return added;
  if (auto added = quoter.add(view.substr(end), tail); !added) return added;
  return tail.add(tail.at_line_start() ? "\n" : "\n\n");
}

/// What must stand between the present end of the file and a From_ line: a crash may have left half a message.
Result<std::string_view> separator(const LockedMbox& mbox, fs::Files& files) {
  if (mbox.size() == 0) return std::string_view();
  const auto last = std::min<std::uint64_t>(mbox.size(), 4);
  const auto end = files.read_at(mbox.fd(), mbox.size() - last, static_cast<std::size_t>(last));
  if (!end) return fail(end);
  if (end->ends_with("\n\n") || end->ends_with("\n\r\n") || *end == "\n") return std::string_view();
  return std::string_view(end->ends_with('\n') ? "\n" : "\n\n");
}

}  // namespace

Result<> append_to_mbox(const LockedMbox& mbox, std::span<const MboxAddition> additions, fs::Files& files) {
  const auto parting = separator(mbox, files);
  if (!parting) return fail(parting);
  const auto write = [&]() -> Result<> {
    Tail tail(mbox.fd(), mbox.size(), files);
    if (auto added = tail.add(*parting); !added) return added;
    for (const auto& addition : additions) {
      if (auto added = add_message(addition, tail); !added) return added;
    }
    if (auto flushed = tail.flush(); !flushed) return flushed;
    return files.sync(mbox.fd());
  };
  auto written = write();
  if (!written) (void)files.truncate(mbox.fd(), mbox.size());  // the first error is the one that counts
  return written;
}

}  // namespace facteur::store
