// The content of a file, whatever its line ends, as CRLF.
#pragma once

#include <memory>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/mailbox.h"

namespace facteur::store {

/// Files up to this size are read at once.
constexpr std::uint64_t small_content = 1 << 20;

/// A run of octets of a file that is shared by nobody else.
struct FileRange {
  Fd fd;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// The content of that run. `known_size` is its size with CRLF if that is known, else 0: then a large file is read once
/// to count. Small ones are always counted, so that what is announced is what is sent.
[[nodiscard]] Result<std::unique_ptr<Content>> open_content(FileRange range, std::uint64_t known_size,
                                                            fs::Files& files);

/// How a run of a file goes over the wire.
struct WireSize {
  std::uint64_t octets = 0;  ///< with CRLF
  bool open_end = false;     ///< the last line has no end
};
/// Reads the run once.
[[nodiscard]] Result<WireSize> wire_size(int fd, std::uint64_t begin, std::uint64_t end, fs::Files& files);

}  // namespace facteur::store
