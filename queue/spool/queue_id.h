// Names of messages (FORMAT.md, "Folders and names").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace facteur::queue {

/// True for 10 to 20 characters of 0-9A-Za-z.
[[nodiscard]] bool is_queue_id(std::string_view text);

/// Makes queue ids. No two of one process are equal, whatever the clock does; those of another process differ by time
/// or by their random end, and the file is made with O_EXCL.
class QueueIds {
 public:
  [[nodiscard]] std::string next(WallTime now);

 private:
  std::uint64_t last_ = 0;
};

/// The queue id of the bounce of `original` that reports the recipients of these numbers: the same for the same ones,
/// so that a crash between bounce and record repeats it under its name.
[[nodiscard]] std::string bounce_id(std::string_view original, std::span<const std::uint32_t> numbers);

}  // namespace facteur::queue
