// Where a queue file is read from: a descriptor, or memory for tests and fuzzing; and a window that saves calls.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/fs/files.h"

namespace facteur::queue {

/// Octets that can be read at any offset.
class Octets {
 public:
  virtual ~Octets() = default;
  /// Up to `most` octets at `offset`; fewer only at the end.
  [[nodiscard]] virtual Result<std::string> read(std::uint64_t offset, std::size_t most) = 0;
};

/// Those of an open file, which it does not own. With its `size` known, nothing behind that is read, and the end of the
/// file costs no call.
class FileOctets final : public Octets {
 public:
  FileOctets(fs::Files& files, int fd, std::uint64_t size = UINT64_MAX) : files_(files), fd_(fd), size_(size) {}
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override {
    if (offset >= size_) return std::string();
    return files_.read_at(fd_, offset, static_cast<std::size_t>(std::min<std::uint64_t>(most, size_ - offset)));
  }

 private:
  fs::Files& files_;
  int fd_;
  std::uint64_t size_;
};

/// Those of a text that outlives it.
class MemoryOctets final : public Octets {
 public:
  explicit MemoryOctets(std::string_view octets) : octets_(octets) {}
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override {
    if (offset >= octets_.size()) return std::string();
    return std::string(octets_.substr(static_cast<std::size_t>(offset), most));
  }

 private:
  std::string_view octets_;
};

/// Reads ahead, so that the records of a small message cost one call.
class ReadAhead {
 public:
  explicit ReadAhead(Octets& octets) : octets_(octets) {}
  /// The `count` octets at `offset`, fewer only at the end; the view holds until the next call.
  [[nodiscard]] Result<std::string_view> view(std::uint64_t offset, std::size_t count);

 private:
  static constexpr std::size_t least = 16 * 1024;
  Octets& octets_;
  std::string kept_;
  std::uint64_t offset_ = 0;
};

}  // namespace facteur::queue
