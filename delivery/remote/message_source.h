// The message in a queue file, read piece by piece on the work pool while the network takes it.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/fs/files.h"
#include "queue/format/reader.h"

namespace facteur::remote {

/// Owns the descriptor of a queue file. Every call blocks on the file. One caller at a time, of any thread.
class MessageSource {
 public:
  /// Errors as those of queue::Content::open().
  [[nodiscard]] static Result<MessageSource> open(Fd file, fs::Files& files = fs::system_files());

  /// Octets of the message: headers on top, and content.
  [[nodiscard]] std::uint64_t size() const { return content_.size(); }
  /// Has octets above 127.
  [[nodiscard]] bool eight_bit() const { return eight_bit_; }
  /// The next octets, at most `piece_octets`; empty at the end.
  [[nodiscard]] Result<std::string> next();
  /// All has been read.
  [[nodiscard]] bool finished() const { return offset_ == size(); }
  /// Begins anew, for another server.
  void rewind() { offset_ = 0; }

  static constexpr std::size_t piece_octets = 128 * 1024;

 private:
  MessageSource(Fd file, queue::Content content, bool eight_bit)
      : file_(std::move(file)), content_(content), eight_bit_(eight_bit) {}

  Fd file_;
  queue::Content content_;
  bool eight_bit_;
  std::uint64_t offset_ = 0;
};

}  // namespace facteur::remote
