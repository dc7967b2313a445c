// Puts commands together: lines, and the literals announced at their ends, out of octets that arrive in any pieces
// (RFC 3501 sections 2.2.1 and 4.3, RFC 7888). It knows no grammar but the "{n}" at the end of a line.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/line_buffer.h"
#include "imapd/wire/limits.h"
#include "imapd/wire/reply.h"

namespace facteur::imapd {

/// A whole command. Literals stand in `text` as they came ("{3}" CRLF "abc"), except that the octets of a literal that
/// was kept apart are in `message`.
struct Command {
  std::string text;  ///< without the last CRLF
  std::string message;
  bool bare_lf = false;  ///< a line ended without CR: never legal
  [[nodiscard]] bool has_nul() const;
};

/// What may become of a literal that a line announces.
struct LiteralPlan {
  std::uint64_t limit = 0;       ///< the largest size that is taken
  bool apart = false;            ///< it is the message of APPEND: kept apart, and not counted as part of the command
  std::optional<Reply> refusal;  ///< the command is known to fail: its octets are not wanted
};

class CommandReader {
 public:
  struct More {};      ///< octets are missing
  struct Continue {};  ///< the client waits for "+" before it sends its literal
  /// The command so far is answered with this; what still belongs to it is dropped.
  struct Refused {
    std::string text;
    Reply reply;
  };
  /// A line or a literal without end: the connection must be closed.
  struct Overflow {
    Reply reply;
  };
  using Event = std::variant<More, Continue, Command, Refused, Overflow>;
  /// Asked at each literal, with the command up to and including the line that announces it.
  using Plan = std::function<LiteralPlan(std::string_view text)>;

  CommandReader(CommandLimits limits, Plan plan) : limits_(limits), plan_(std::move(plan)) {}

  void append(std::string_view octets) { in_.append(octets); }
  /// The next event; call until More.
  [[nodiscard]] Event next();
  /// A line that is no command: the client's part of AUTHENTICATE, or DONE. Without its line end. Only between
  /// commands. A line longer than `most` is Overflow.
  [[nodiscard]] std::variant<More, std::string, Overflow> next_line(std::size_t most);
  /// Octets that have arrived and are in no command yet.
  [[nodiscard]] std::string_view waiting() const { return in_.view(); }
  /// Forgets all that has arrived (RFC 3501 section 6.2.1: what came before TLS).
  void clear();

 private:
  enum class State : std::uint8_t { line, literal, dropping };
  std::optional<Event> line(std::string_view octets);
  std::optional<Event> announced(std::uint64_t size, bool waits);
  Event refuse(Reply reply, std::uint64_t size, bool waits);
  bool take_literal();
  bool drop();
  std::optional<Event> dropped_line(std::string_view octets);

  CommandLimits limits_;
  Plan plan_;
  LineBuffer in_;
  Command command_;
  State state_ = State::line;
  std::uint64_t left_ = 0;     ///< octets of the literal that are missing
  std::uint64_t dropped_ = 0;  ///< octets of a refused command
  bool apart_ = false;
};

/// "{n}" or "{n+}" at the end of a line that is not inside a quoted string.
struct Announcement {
  bool present = false;
  std::optional<std::uint64_t> size;  ///< nothing: not a number that a literal can have
  bool waits = true;
};
[[nodiscard]] Announcement announcement(std::string_view line);

}  // namespace facteur::imapd
