// Where the messages of an mbox lie, and what they say of themselves.
//
// A message begins with a From_ line that stands at the beginning of the file or behind an empty line. The empty line
// before the next From_ line is no part of it. Content-Length is not believed (TORTURE MBX-02). What stands before the
// first From_ line belongs to no message, and stays where it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/fs/files.h"
#include "common/store/mbox/status.h"

namespace facteur::store {

/// One message; offsets in the file.
struct MboxMessage {
  std::uint64_t begin = 0;   ///< its From_ line
  std::uint64_t header = 0;  ///< behind that
  std::uint64_t body = 0;    ///< behind the empty line that ends the header
  std::uint64_t end = 0;     ///< behind its last octet
  std::uint64_t next = 0;    ///< behind the empty line that parts it from the next: end of what belongs to it
  std::uint64_t size = 0;    ///< octets as it is read: CRLF, without status fields, unquoted
  bool open_end = false;     ///< the last line has no end: that of a file that was cut off
  std::int64_t date = 0;     ///< of the From_ line
  std::string identity;  ///< the same wherever the message stands and whatever its status: two checksums and the size
  MboxStatus status;
  bool pseudo = false;  ///< c-client's message with what belongs to the folder: kept, never shown
};

struct MboxScan {
  std::vector<MboxMessage> messages;
  std::uint64_t size = 0;  ///< of the file
  bool ends_with_empty_line = true;
  bool ends_with_line_end = true;
};

/// What readers see of the lines of one message: given the pieces of its lines in their order.
class MboxFilter {
 public:
  /// `text` is a line with its LF, or a piece of a very long one; `starts` tells where a line begins. Returns what is
  /// shown of it, with the line ends of the file.
  [[nodiscard]] std::string_view show(std::string_view text, bool starts);
  [[nodiscard]] bool in_header() const { return in_header_; }

 private:
  bool in_header_ = true;
  bool hiding_ = false;
};

/// Lines longer than this come in pieces.
constexpr std::size_t max_line_piece = 64 << 10;

/// Reads the first `size` octets of a file once, from the beginning.
[[nodiscard]] Result<MboxScan> scan_mbox(int fd, std::uint64_t size, fs::Files& files);
/// The same of octets in memory.
[[nodiscard]] MboxScan scan_mbox(std::string_view octets);

/// The content of a message as it is read, from its raw octets [header, end).
[[nodiscard]] std::string mbox_content(std::string_view raw);

}  // namespace facteur::store
