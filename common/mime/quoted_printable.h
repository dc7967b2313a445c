// Quoted-printable (RFC 2045 section 6.7) on its way out, in pieces of any size. The decoder is in encoding.h.
//
// No line begins with "--": an escape or a soft break could make of it a delimiter that nobody wrote ("--b" and an
// octet E9, where the boundary is "b=E9").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace facteur::mime {

/// Octets of an encoded line without its CRLF.
constexpr std::size_t max_quoted_line = 76;

/// Encodes text. LF, with or without a CR before it, ends a line and becomes CRLF; any other CR is an octet of the
/// line.
class QuotedPrintableEncoder {
 public:
  /// Encodes the next octets onto the end of `out`.
  void write(std::string_view octets, std::string& out);
  /// Ends the text: a last line that has no end gets a soft break, so that it decodes to what it was.
  void finish(std::string& out);

 private:
  void put(char c, std::string& out);
  void release(std::string& out);
  void end_line(std::string& out);
  void literal(char c, std::string& out);
  void escape(char c, std::string& out);
  void make_room(std::size_t width, std::string& out);

  std::size_t column_ = 0;
  bool dash_ = false;       ///< the line begins with "-"
  char held_space_ = '\0';  ///< a space or tab that may be the line's last octet
  bool held_cr_ = false;    ///< behind it a CR, that may be of a CRLF
};

/// Makes 7-bit text of text that is quoted-printable already, but for octets above 127: these become escapes, all
/// others stay. The result decodes to what the text decoded to.
class QuotedPrintableMender {
 public:
  void write(std::string_view octets, std::string& out);
  void finish(std::string& out);

 private:
  void put(char c, std::string& out);
  void escape(char c, std::string& out);

  std::size_t column_ = 0;
  bool dash_ = false;         ///< the line begins with "-"
  bool held_equals_ = false;  ///< a "=", of which an octet above 127 would show that it begins no escape
};

}  // namespace facteur::mime
