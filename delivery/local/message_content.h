// The message of a delivery, as its mailboxes get it: from the queue file, or from sealed memory that holds nothing
// else.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/store/mailbox.h"
#include "queue/format/reader.h"

namespace facteur::local {

/// Headers on top, then content; line ends CRLF. Each recipient's job has one of its own over the same descriptor.
class MessageContent : public store::Content {
 public:
  /// `content_only`: the descriptor is of memory with the message alone; Kind::corrupt if it is not sealed. Otherwise
  /// errors as of queue::Content::open().
  [[nodiscard]] static Result<MessageContent> open(std::shared_ptr<const Fd> file, bool content_only);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override;

  /// The header of the message, or as much of it as `max_header` has.
  [[nodiscard]] Result<std::string> header();
  static constexpr std::size_t max_header = 256 * 1024;

 private:
  MessageContent(std::shared_ptr<const Fd> file, std::optional<queue::Content> in_queue, std::uint64_t size)
      : file_(std::move(file)), in_queue_(in_queue), size_(size) {}

  std::shared_ptr<const Fd> file_;
  std::optional<queue::Content> in_queue_;
  std::uint64_t size_;
};

}  // namespace facteur::local
