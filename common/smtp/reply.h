// SMTP replies: made by the server, read by the client (RFC 5321 section 4.2, enhanced codes of RFC 2034).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/line_buffer.h"
#include "common/base/result.h"

namespace facteur::smtp {

/// Bounds of what a client accepts as one reply: octets of a line (RFC 5321 section 4.5.3.1.5 says 512, practice sends
/// more), lines, and octets of text that are kept; text beyond that is dropped.
constexpr std::size_t max_reply_line = 4096;
constexpr std::size_t max_reply_lines = 100;
constexpr std::size_t max_reply_text = 16384;
/// Octets of a line that we send, CRLF included.
constexpr std::size_t max_sent_line = 512;

/// One reply.
struct Reply {
  int code = 0;
  std::string enhanced;  ///< "5.1.1", or empty
  std::string text;      ///< its lines, with '\n' between them

  /// The reply as sent: one line or many, the enhanced code on each. Octets that are not printable ASCII become '?',
  /// lines are cut at `max_sent_line`.
  [[nodiscard]] std::string wire() const;
  /// The reply in one line for a log or a DSN: "550 5.1.1 No such user". Line breaks become spaces.
  [[nodiscard]] std::string line() const;
  [[nodiscard]] bool positive() const { return code >= 200 && code < 300; }
  [[nodiscard]] bool intermediate() const { return code >= 300 && code < 400; }
  [[nodiscard]] bool temporary() const { return code >= 400 && code < 500; }
  [[nodiscard]] bool permanent() const { return code >= 500; }
  friend bool operator==(const Reply&, const Reply&) = default;
};

/// The enhanced status code at the front of a reply's text, for a reply of that class (RFC 2034 section 4: the class
/// must match the first digit of the code); empty if there is none.
[[nodiscard]] std::string_view enhanced_code_of(int code, std::string_view text);

/// Puts the lines of a server's replies together. After an error the stream cannot be trusted: close it.
class ReplyParser {
 public:
  /// Takes lines from the buffer until a reply is whole: the reply, nothing while octets are missing, or
  /// Kind::protocol for a line that is no reply, codes that differ within a reply, or a broken bound.
  [[nodiscard]] Result<std::optional<Reply>> next(LineBuffer& in);
  /// The same for one line, without its LF; a CR at its end is dropped.
  [[nodiscard]] Result<std::optional<Reply>> feed(std::string_view line);

 private:
  void add_text(std::string_view text);

  Reply reply_;
  std::size_t lines_ = 0;
};

}  // namespace facteur::smtp
