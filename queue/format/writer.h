// Makes the octets of a queue file: the envelope first, then the content in pieces as it arrives, then the end. It does
// no I/O: who owns the file writes the pieces at their offsets and syncs once (FORMAT.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "queue/format/envelope.h"
#include "queue/format/header.h"
#include "queue/format/hop_counter.h"

namespace facteur::queue {

/// One message in the making.
class Writer {
 public:
  /// Octets to be written at `offset` of the file.
  struct Piece {
    std::uint64_t offset = 0;
    std::string octets;
  };

  /// Takes the envelope and its recipients, which it numbers 1, 2, 3 …. Kind::permanent if there are none, more than
  /// max_recipients, or an address is longer than max_address.
  [[nodiscard]] static Result<Writer> start(const Envelope& envelope, std::vector<Recipient> recipients);

  /// Adds content with CRLF line ends, in any pieces. It is kept until take() or finish().
  void append(std::string_view content);
  /// True when so much is kept that it should be written: small messages become one single piece at finish().
  [[nodiscard]] bool piece_is_due() const { return buffer_.size() >= due_octets; }
  /// What is kept; to be written whether or not another piece is.
  [[nodiscard]] Piece take();
  /// Octets of content so far.
  [[nodiscard]] std::uint64_t content_octets() const { return content_octets_; }

  /// Ends the message, with whole header lines that go on top. The pieces left, to be written in this order; then one
  /// sync. Nothing else may be called afterwards.
  [[nodiscard]] std::vector<Piece> finish(std::string_view top_headers);

  static constexpr std::size_t due_octets = 256 * 1024;

 private:
  Writer() = default;
  void add(std::string_view octets);

  std::string buffer_;  // octets of the file from offset_ on
  std::uint64_t offset_ = 0;
  std::uint32_t checksum_ = 0;  // over everything behind the header so far
  Header header_;
  std::uint64_t content_octets_ = 0;
  HopCounter hop_counter_;
  bool eight_bit_ = false;
};

}  // namespace facteur::queue
