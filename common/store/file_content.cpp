// Content read from a file in pieces.
#include "common/store/file_content.h"

#include <algorithm>

#include "common/store/content.h"

namespace facteur::store {
namespace {

constexpr std::size_t chunk = 256 << 10;

/// One piece of the text in memory, turned to CRLF; the next is read when the reader goes on, and the first again when
/// it goes back.
class FileContent : public Content {
 public:
  FileContent(FileRange range, std::uint64_t size, fs::Files& files)
      : range_(std::move(range)), size_(size), files_(&files), next_(range_.begin) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override {
    if (offset >= size_) return std::string();
    most = static_cast<std::size_t>(std::min<std::uint64_t>(most, size_ - offset));
    // Lines that end in CRLF on disk: offsets are those of the file.
    if (size_ == range_.end - range_.begin) return files_->read_at(range_.fd.get(), range_.begin + offset, most);
    std::string out;
    while (out.size() < most) {
      const std::uint64_t wanted = offset + out.size();
      if (auto there = seek(wanted); !there) return fail(there);
      if (piece_.empty()) break;
      out.append(piece_, static_cast<std::size_t>(wanted - piece_begin_), most - out.size());
    }
    return out;
  }

 private:
  /// Makes piece_ the one that holds the octet at `offset`; empty behind the end.
  Result<> seek(std::uint64_t offset) {
    if (offset < piece_begin_) {
      next_ = range_.begin;
      piece_begin_ = 0;
      piece_.clear();
      after_cr_ = false;
    }
    while (offset >= piece_begin_ + piece_.size()) {
      piece_begin_ += piece_.size();
      const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, range_.end - next_));
      const auto octets = files_->read_at(range_.fd.get(), next_, most);
      if (!octets) return fail(octets);
      piece_ = to_crlf(*octets, after_cr_);
      if (octets->empty()) break;
      after_cr_ = octets->back() == '\r';
      next_ += octets->size();
    }
    return {};
  }

  FileRange range_;
  std::uint64_t size_;
  fs::Files* files_;
  std::string piece_;
  std::uint64_t piece_begin_ = 0;  ///< offset of piece_ in the content
  std::uint64_t next_;             ///< offset in the file of what comes behind piece_
  bool after_cr_ = false;
};

}  // namespace

Result<WireSize> wire_size(int fd, std::uint64_t begin, std::uint64_t end, fs::Files& files) {
  WireSize out;
  bool after_cr = false;
  while (begin < end) {
    const auto octets = files.read_at(fd, begin, static_cast<std::size_t>(std::min<std::uint64_t>(chunk, end - begin)));
    if (!octets) return fail(octets);
    if (octets->empty()) break;
    out.octets += crlf_size(*octets) - (after_cr && octets->front() == '\n' ? 1 : 0);
    out.open_end = octets->back() != '\n';
    after_cr = octets->back() == '\r';
    begin += octets->size();
  }
  return out;
}

Result<std::unique_ptr<Content>> open_content(FileRange range, std::uint64_t known_size, fs::Files& files) {
  const std::uint64_t length = range.end - range.begin;
  if (length <= small_content) {
    const auto octets = files.read_at(range.fd.get(), range.begin, static_cast<std::size_t>(length));
    if (!octets) return fail(octets);
    return std::make_unique<StringContent>(std::make_shared<const std::string>(to_crlf(*octets)));
  }
  if (known_size == 0) {
    const auto counted = wire_size(range.fd.get(), range.begin, range.end, files);
    if (!counted) return fail(counted);
    known_size = counted->octets;
  }
  return std::make_unique<FileContent>(std::move(range), known_size, files);
}

}  // namespace facteur::store
