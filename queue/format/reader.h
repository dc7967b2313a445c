// Reads queue files (FORMAT.md). It trusts nothing: every offset, count and length is checked before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "queue/format/message.h"
#include "queue/format/octets.h"

namespace facteur::queue {

/// Envelope, END and log of a message. The content is not looked at: see verify(). Kind::closed if the message was
/// never finished, Kind::permanent if its format version is not ours, Kind::corrupt if it breaks the rules,
/// Kind::temporary if it cannot be read now.
[[nodiscard]] Result<Message> load(Octets& octets);

/// Compares the checksum over the whole message; Kind::corrupt if it is wrong.
[[nodiscard]] Result<> verify(Octets& octets, const Message& message);

/// The octets of a message as it is delivered: headers on top, then content.
class Content {
 public:
  /// Reads the header of the file; errors as for load(). The descriptor must outlive the Content.
  [[nodiscard]] static Result<Content> open(fs::Files& files, int fd);

  [[nodiscard]] std::uint64_t size() const { return header_.top_octets + header_.content_octets; }
  /// Up to `most` octets from `offset`; fewer at the end, and where headers and content meet. Kind::corrupt if the file
  /// is shorter than its header says.
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) const;

 private:
  Content(fs::Files& files, int fd, const Header& header) : files_(&files), fd_(fd), header_(header) {}

  fs::Files* files_;
  int fd_;
  Header header_;
};

}  // namespace facteur::queue
