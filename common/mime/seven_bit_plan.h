// How a message with octets above 127 in its bodies becomes one without (RFC 6152 section 3). A header is sent before
// its body is known, so it takes two readings: the survey looks at the bodies and decides of each part what becomes of
// it; SevenBitConverter does it.
//
// A part that says "8bit" or "binary", or has octets above 127 without saying so, becomes quoted-printable; multiparts
// and embedded messages become "7bit", and their parts are seen to. What is quoted-printable but for such octets gets
// them escaped; so do preambles and epilogues, which nobody decodes (RFC 2046 section 5.1.1). A message that is no MIME
// becomes it (RFC 1428 section 3). Signed parts are converted as all others, as Postfix does it; and as there, octets
// above 127 in headers stay: no encoding fits a header as a whole. An obstacle are such octets in base64, in a
// composite type that is not looked into, in a boundary, and more parts than are looked at. Postfix, which goes by what
// parts say of themselves and reads once, lets most of these, and what says nothing, pass with their octets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/part_walker.h"

namespace facteur::mime {

/// What becomes of one part.
struct SevenBitStep {
  enum class Label : std::uint8_t { keep, seven_bit, quoted_printable };
  enum class Body : std::uint8_t { copy, encode, mend };
  Label label = Label::keep;  ///< its Content-Transfer-Encoding
  Body body = Body::copy;     ///< the octets that are its own
  bool add_version = false;   ///< MIME-Version: without it the other fields would mean nothing (RFC 2045 section 4)
  bool add_type = false;      ///< Content-Type: text/plain; charset=unknown-8bit
  friend bool operator==(const SevenBitStep&, const SevenBitStep&) = default;
};

struct SevenBitPlan {
  std::vector<SevenBitStep> parts;  ///< by number; empty if nothing has to be done
  std::string obstacle;             ///< why it cannot be done; empty if it can
};

/// The first reading. Keeps some octets for each part, at most `max_parts`.
class SevenBitSurvey {
 public:
  void add(std::string_view octets);
  /// Behind the last octet.
  [[nodiscard]] SevenBitPlan finish();

 private:
  void see(const Piece& piece);

  PartWalker walker_;
  std::vector<bool> eight_bit_;  ///< parts with octets above 127 of their own, by number
  bool found_ = false;           ///< there is one
  bool in_delimiter_ = false;    ///< a delimiter has such octets
};

}  // namespace facteur::mime
