// Takes a message apart while it streams by: says of its octets, in their order, what they are and of which part. It
// keeps a line's front and two header fields, never a body.
//
// The parts are those that Summarizer finds, by the same rules (header.h, delimiter.h): a stack of open parts instead
// of recursion, at most `max_depth` deep, at most `max_parts` in all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/delimiter.h"

namespace facteur::mime {

/// Content-Transfer-Encoding (RFC 2045 section 6.2). eight_bit stands for "binary" too, other for what nobody knows.
enum class TransferEncoding : std::uint8_t { none, seven_bit, eight_bit, quoted_printable, base64, other };

/// Octets that are kept of a Content-Type or Content-Transfer-Encoding.
constexpr std::size_t max_content_field = 64 * 1024;

/// A part, known when its header has ended.
struct WalkedPart {
  /// leaf: its body is its own. multipart: its own are preamble and epilogue. message: message/rfc822, whose body is
  /// its only child. closed: a composite type that is not looked into (message/partial, message/external-body, an
  /// embedded message in an encoding, what lies too deep).
  enum class Kind : std::uint8_t { leaf, multipart, message, closed };
  std::uint32_t parent = 0;  ///< number of the parent; the root is its own
  Kind kind = Kind::leaf;
  TransferEncoding encoding = TransferEncoding::none;
  bool is_message = false;   ///< its header is a message's: of the whole, or of an embedded one
  bool has_type = false;     ///< it has a Content-Type
  bool has_version = false;  ///< it has a MIME-Version
  bool ended = false;        ///< its closing delimiter has come
};

/// Some octets of a message.
struct Piece {
  /// nothing: more octets are needed. field: of a header. header_end: the empty line. delimiter: the line, whole; its
  /// part is the multipart it belongs to.
  enum class Kind : std::uint8_t { nothing, field, header_end, body, delimiter };
  /// junk: no field can begin so (RFC 5322 section 3.6.8).
  enum class Field : std::uint8_t { any, transfer_encoding, junk };
  Kind kind = Kind::nothing;
  Field field = Field::any;
  std::uint32_t part = 0;   ///< number of the part; each number is one more than the last new one
  std::string_view octets;  ///< until the next call
};

class PartWalker {
 public:
  PartWalker();
  /// Takes octets off the front of the next ones, and says what they are. All pieces together are all octets.
  [[nodiscard]] Piece next(std::string_view& octets);
  /// Behind the last octet: what was held back.
  [[nodiscard]] Piece finish();

  /// The parts that have begun, by number.
  [[nodiscard]] const std::vector<WalkedPart>& parts() const { return parts_; }
  /// There is more in the message than `max_depth` or `max_parts` let it be looked into.
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  struct Open {
    std::uint32_t part = 0;
    std::string boundary;  ///< while delimiters of it are looked for
    bool digest = false;   ///< multipart/digest
  };
  struct Match {
    Delimiter delimiter = Delimiter::none;
    std::size_t depth = 0;  ///< index in open_ of the multipart it belongs to
  };

  [[nodiscard]] Piece content(std::string_view octets);
  [[nodiscard]] Piece rest_of_line(std::string_view& octets);
  [[nodiscard]] bool may_be_delimiter() const;
  [[nodiscard]] bool is_decided() const;
  [[nodiscard]] Piece end_front();
  [[nodiscard]] Piece begin_field();
  [[nodiscard]] Piece end_header();
  [[nodiscard]] Piece end_parts(const Match& found);
  [[nodiscard]] Match find_delimiter();
  void begin_part(std::uint32_t parent);
  void read_header();
  void look_into(std::string_view type, std::string_view subtype, std::string boundary);

  std::vector<WalkedPart> parts_;
  std::vector<Open> open_;      ///< the last one has the current octets
  std::size_t boundaries_ = 0;  ///< of open_ that are looked for
  std::string front_;           ///< of a line of which it is not known yet what it is; or the octets of the last piece
  bool at_front_ = true;        ///< of a line
  bool front_told_ = false;     ///< front_ is the last piece
  bool in_header_ = false;      ///< of the last open part
  Piece::Field field_{};        ///< of the current line
  std::string PartWalker::* kept_ = nullptr;  ///< where the body of the field goes
  std::string type_, encoding_;               ///< bodies of the header's fields
  bool has_encoding_ = false;
  bool overflowed_ = false;
};

}  // namespace facteur::mime
