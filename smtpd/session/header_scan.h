// Looks at the header of a message while it streams by: what smtpd must know of it before it adds lines on top.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace facteur::smtpd {

/// Takes content with CRLF line ends in any pieces. A folded line belongs to the field before; the header ends at the
/// first empty line, or at the first line that is neither a field nor folded (RFC 5322 section 2.2). A header of any
/// size costs `kept` octets.
class HeaderScan {
 public:
  void feed(std::string_view content);
  /// At the end of the message: the last line may lack its line end.
  void finish();

  /// Received fields (RFC 5321 section 6.3: a loop shows in their number).
  [[nodiscard]] unsigned received() const { return received_; }
  [[nodiscard]] bool has_date() const { return has_date_; }
  [[nodiscard]] bool has_message_id() const { return has_message_id_; }
  /// The message begins with a header field, or with the empty line behind an empty header. If not, an empty line must
  /// stand between added fields and the content, or the first line would be taken for a part of them.
  [[nodiscard]] bool begins_with_header() const { return begins_with_header_; }

 private:
  void end_line();

  static constexpr std::size_t kept = 128;  // of each line: enough for the name of a field
  std::string line_;
  bool in_header_ = true;
  bool first_ = true;
  bool begins_with_header_ = true;
  bool has_date_ = false;
  bool has_message_id_ = false;
  unsigned received_ = 0;
};

/// The name of the header field that a line begins with (RFC 5322 section 2.2; white space before the colon as in
/// section 4.5.8 is taken); empty if it is no field.
[[nodiscard]] std::string_view field_name(std::string_view line);

}  // namespace facteur::smtpd
