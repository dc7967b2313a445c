// One transaction of the submit dialogue, and the client's lines of it: what is said on the socket, and what stands in
// a file of the maildrop, is made here alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::cli::sendmail {

/// A message with its envelope. Addresses are qualified and hold no control character (address::parse saw to it).
struct Batch {
  std::string helo;          ///< our host name
  std::string reverse_path;  ///< empty: the null reverse-path
  std::vector<std::string> recipients;
  bool body_8bit = false;
  std::string_view content;  ///< kept by the caller
};

/// Commands, without CRLF (RFC 5321 section 4.1.1).
[[nodiscard]] std::string ehlo_command(const Batch& batch);
[[nodiscard]] std::string mail_command(const Batch& batch);
[[nodiscard]] std::string rcpt_command(std::string_view recipient);

/// The whole client's side, EHLO to QUIT, with CRLF (batch SMTP, RFC 2442): the content of a file in the maildrop.
[[nodiscard]] std::string batch_smtp(const Batch& batch);

}  // namespace facteur::cli::sendmail
