// What a server says it can do, in its answer to EHLO or LHLO.
#pragma once

#include <cstdint>
#include <string_view>

namespace facteur::remote {

/// The extensions that this client makes use of.
struct Extensions {
  bool pipelining = false;     ///< RFC 2920
  bool eight_bit = false;      ///< 8BITMIME, RFC 6152
  bool starttls = false;       ///< RFC 3207
  bool smtputf8 = false;       ///< RFC 6531
  bool size = false;           ///< RFC 1870
  std::uint64_t max_size = 0;  ///< the limit that came with SIZE; 0: none was stated, or not as a number
};

/// Reads the text of a reply to EHLO: its first line is a greeting, each further one a keyword with parameters (RFC
/// 5321 section 4.1.1.1). Keywords that nobody knows are passed over.
[[nodiscard]] Extensions parse_extensions(std::string_view reply_text);

}  // namespace facteur::remote
