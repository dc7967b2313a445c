// Header fields of a message (RFC 5322 section 2.2), by one written rule: the header goes to the first empty line, or
// to the end; a line that begins with a space or tab belongs to the field before; a line without a colon is a field
// without a name; of several fields of one name the first counts. Lines end in LF, with or without a CR before it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::mime {

/// One field, as views into the header.
struct Field {
  std::string_view raw;   ///< all of it, with its last line end
  std::string_view name;  ///< without white space before the colon; empty for a line without one
  std::string_view body;  ///< behind the colon, folds left in, without its last line end
};

/// Reads the fields of a header one after the other.
class Fields {
 public:
  /// A header, with or without the rest of the message behind it.
  explicit Fields(std::string_view header) : rest_(header) {}
  /// The next field; nothing at the empty line or at the end.
  [[nodiscard]] std::optional<Field> next();

 private:
  std::string_view rest_;
};

/// The octets of a message's header, the empty line included: where the body begins.
[[nodiscard]] std::size_t header_size(std::string_view message);
/// The body of the first field of that name, in any case; folds left in.
[[nodiscard]] std::optional<std::string_view> find_field(std::string_view header, std::string_view name);
/// A field body on one line: line ends removed (RFC 5322 section 2.2.3), no white space at its ends.
[[nodiscard]] std::string unfold(std::string_view body);
/// The fields whose name is among `names` (`listed` true), or all others, as they stand, and an empty line:
/// BODY[HEADER.FIELDS] and BODY[HEADER.FIELDS.NOT] of RFC 3501 section 6.4.5.
[[nodiscard]] std::string select_fields(std::string_view header, const std::vector<std::string>& names, bool listed);
/// True if a message begins with a field or with the empty line. If not, fields put on top of it need an empty line
/// behind them: a folded or nameless first line would become part of them.
[[nodiscard]] bool begins_with_field(std::string_view message);

}  // namespace facteur::mime
