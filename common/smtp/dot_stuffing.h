// The text of a message on the wire: dots at the start of lines doubled, ended by a line with a dot alone (RFC 5321
// section 4.5.2; RFC 1939 section 3 has the same for POP3). Both directions take and give pieces of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace facteur::smtp {

/// What becomes of CR and LF that are no CRLF (smtpd_forbid_bare_newline of postconf(5)). None of them ends a line in
/// the sense of the protocol, in any mode: only CRLF "." CRLF ends the data, only behind CRLF a dot is doubled.
enum class BareNewline : std::uint8_t {
  normalize,  ///< LF becomes CRLF, CR becomes a space
  reject,     ///< the same, and refused() says that the message must be refused at its end
  no,         ///< they stay
};

/// Decodes what follows DATA.
class DataReader {
 public:
  explicit DataReader(BareNewline mode = BareNewline::normalize) : mode_(mode) {}

  /// Decodes from `octets` onto the end of `content`: lines ended by CRLF. Returns how many octets belong to the data:
  /// all, or fewer when its end was among them; the rest is the next command.
  [[nodiscard]] std::size_t read(std::string_view octets, std::string& content);
  /// True once the end of data was read.
  [[nodiscard]] bool finished() const { return state_ == State::finished; }
  /// Answer 550 5.5.2 at the end of data: mode is `reject`, and a bare CR or LF was there.
  [[nodiscard]] bool refused() const { return mode_ == BareNewline::reject && (saw_bare_lf_ || saw_bare_cr_); }

  [[nodiscard]] bool saw_bare_lf() const { return saw_bare_lf_; }
  [[nodiscard]] bool saw_bare_cr() const { return saw_bare_cr_; }
  [[nodiscard]] bool saw_nul() const { return saw_nul_; }
  [[nodiscard]] bool saw_8bit() const { return saw_8bit_; }
  /// Octets of the longest line so far as it came, without its CRLF.
  [[nodiscard]] std::uint64_t longest_line() const { return longest_line_; }

 private:
  enum class State : std::uint8_t { line_start, dot, dot_cr, text, cr, finished };

  void note_octets(std::string_view octets);
  std::size_t read_text(std::string_view octets, std::string& content);
  bool finish_cr(char next, std::string& content);
  void put_bare_cr(std::string& content);
  void put_bare_lf(std::string& content);
  void end_line();

  BareNewline mode_;
  State state_ = State::line_start;
  bool saw_bare_lf_ = false, saw_bare_cr_ = false, saw_nul_ = false, saw_8bit_ = false;
  std::uint64_t line_ = 0, longest_line_ = 0;
};

/// Encodes a message for the wire. Whatever the content's line ends are, CRLF, LF or CR, each becomes one CRLF.
class DotStuffer {
 public:
  /// Encodes the next piece of content onto the end of `wire`.
  void write(std::string_view content, std::string& wire);
  /// Ends the last line if it is not ended, and the data. Nothing may be written afterwards.
  void finish(std::string& wire);

 private:
  bool at_line_start_ = true;
  bool after_cr_ = false;  ///< the last octet was a CR, whose CRLF is already written
};

}  // namespace facteur::smtp
