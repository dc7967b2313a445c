// The bounds of what a client may send and of what waits to be sent to it. RFC 2683 section 3.2.1.5 asks for lines of
// at least 8,000 octets; clients of large mailboxes send sequence sets of many kilobytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facteur::imapd {

/// How much one command may take: all of its lines and literals together, but for the message of APPEND.
struct CommandLimits {
  std::size_t command = std::size_t{1} << 20;
  std::size_t literal = std::size_t{1} << 20;  ///< any one literal
  std::size_t line = std::size_t{64} << 10;    ///< any one line (imap_max_line_length)
};

/// Before login: nobody has a reason to say much.
constexpr CommandLimits limits_before_login{std::size_t{64} << 10, 1024, std::size_t{64} << 10};
constexpr CommandLimits limits_after_login{};

/// A literal that was sent unasked (LITERAL+) and is refused is read and dropped up to this size; a larger one closes
/// the connection (RFC 7888 section 4).
constexpr std::uint64_t max_dropped_literal = std::uint64_t{1} << 20;
/// Nesting of parentheses, NOT and OR.
constexpr std::size_t max_depth = 32;
constexpr std::size_t max_tag = 256;
/// A mailbox name in UTF-8, and a LIST pattern.
constexpr std::size_t max_mailbox_name = 1000;
/// Key and value pairs of ID (RFC 2971 section 3.3).
constexpr std::size_t max_id_fields = 30;
/// Commands in a row that are answered BAD; then the connection is closed.
constexpr std::size_t max_bad_commands = 20;
/// What one slice of a large answer fills before it is sent; while that much is unsent no command is worked on.
constexpr std::size_t output_slice = std::size_t{64} << 10;
/// While that much input waits behind a command that is at work, nothing more is read.
constexpr std::size_t input_waiting = std::size_t{64} << 10;

}  // namespace facteur::imapd
