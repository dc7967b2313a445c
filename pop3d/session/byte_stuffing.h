// A message as a multi-line reply (RFC 1939 section 3). Every octet of the content goes out as it is, so that the
// counts of LIST and RETR are those of the wire; dots at line starts are doubled, which the client undoes.
#pragma once

#include <string>
#include <string_view>

namespace facteur::pop3d {

class ByteStuffer {
 public:
  /// Adds the next octets of a content with CRLF line ends to `wire`. A CR without LF is an octet like others.
  void write(std::string_view content, std::string& wire);
  /// Ends the reply: CRLF if the last line had none, and the termination octet.
  void finish(std::string& wire);

 private:
  bool at_line_start_ = true;
};

}  // namespace facteur::pop3d
