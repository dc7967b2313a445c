// Finds the parts of a message while it streams by, line by line, with a stack of open parts instead of recursion.
//
// A delimiter (delimiter.h) belongs to the innermost open multipart with that boundary; those inside it end there, and
// so does a header it stands in. Behind its closing delimiter a multipart has no parts. Without a boundary it is
// text/plain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/delimiter.h"
#include "common/mime/summary.h"

namespace facteur::mime {

/// Makes the summary of one message from its octets in pieces of any size. Keeps headers only, within the bounds of
/// summary.h.
class Summarizer {
 public:
  Summarizer();
  void add(std::string_view octets);
  /// The summary of what was added; nothing may be added afterwards.
  [[nodiscard]] Summary finish();

 private:
  /// A part that has begun and not ended; the last one has the current line.
  struct Open {
    std::uint32_t part = 0;
    std::string boundary;          ///< while delimiters of it are looked for
    bool digest = false;           ///< multipart/digest
    std::uint64_t first_line = 0;  ///< number of the first line of its body
  };
  struct Match {
    Delimiter delimiter = Delimiter::none;
    std::size_t depth = 0;  ///< index in open_ of the multipart it belongs to
  };

  [[nodiscard]] Match find_delimiter(std::string_view front, std::uint64_t size) const;
  [[nodiscard]] std::size_t header_room() const;
  void keep(std::string_view octets);
  void end_line(std::string_view front, std::uint64_t size, std::uint64_t line_end);
  void add_to_header(std::string_view octets);
  void begin_part(std::uint64_t offset);
  void end_header(std::uint64_t body_begin);
  void look_into(Part& part);
  void end_parts(std::size_t depth, std::uint64_t end, std::uint64_t end_line);
  void end_part(const Open& open, std::uint64_t end, std::uint64_t end_line);

  Summary summary_;
  std::vector<Open> open_;
  bool in_header_ = false;
  std::string header_;  ///< of the last open part, within bounds
  std::size_t headers_left_ = max_headers_octets;
  std::size_t addresses_left_ = max_envelope_addresses;

  std::string line_;             ///< the front of a line whose end has not come
  std::uint64_t line_size_ = 0;  ///< its octets so far
  char last_octet_ = '\0';       ///< the last of them

  std::uint64_t line_begin_ = 0;   ///< offset of the current line
  std::uint64_t line_number_ = 0;  ///< line ends before it
  std::uint64_t line_end_ = 0;     ///< octets of the line end just before it
  bool empty_before_ = false;      ///< the line before it was empty
};

}  // namespace facteur::mime
