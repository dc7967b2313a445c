// Lines of a UID list.
#include "common/store/uids/line.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "common/base/crc32c.h"
#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::store {
namespace {

constexpr std::size_t checksum_length = 9;  // a space and eight digits

/// What stands behind the letter of a line: d a decimal number, x a hexadecimal one, t the rest.
struct Shape {
  std::string_view word;
  char type;
  std::string_view fields;
};
constexpr std::array<Shape, 11> shapes{{
    {"facteur-uids", 'F', "dd"},              // version, UIDVALIDITY
    {"facteur-uids-handed-over", 'H', "dd"},  // the same of a list that another server goes on with
    {"c", 'c', "ddd"},                        // ceilings of UID and mod-sequence, boot time
    {"k", 'k', "dt"},                         // bit, keyword
    {"u", 'u', "dddt"},                       // UID, size, date, base name
    {"o", 'o', "dddt"},                       // the same of a message whose last line has no end
    {"f", 'f', "dx"},                         // UID, keyword bits
    {"x", 'x', "dd"},                         // first and last UID that are gone
    {"m", 'm', "d"},                          // mod-sequence
    {"r", 'r', "d"},                          // first recent UID
    {"n", 'n', "d"},                          // next UID
}};

/// The next word, which is taken off `rest` with the space behind it.
std::string_view take_word(std::string_view& rest) {
  const auto word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  return word;
}

bool read_fields(std::string_view rest, std::string_view fields, UidLine& line) {
  std::array<std::uint64_t*, 3> numbers{&line.a, &line.b, &line.c};
  std::size_t used = 0;
  for (const char field : fields) {
    if (field == 't') {
      line.text = rest;
      return !rest.empty();
    }
    const auto number = parse_number<std::uint64_t>(take_word(rest), field == 'x' ? 16 : 10);
    if (!number) return false;
    *numbers[used++] = *number;
  }
  return rest.empty();
}

}  // namespace

std::string seal_line(std::string_view fields) {
  return fmt::format("{} {:08x}\n", fields, crc32c(fields));
}

std::optional<UidLine> parse_line(std::string_view line) {
  if (line.size() <= checksum_length) return std::nullopt;
  auto rest = line.substr(0, line.size() - checksum_length);
  const auto checksum = line.substr(rest.size());
  if (checksum.front() != ' ' || parse_number<std::uint32_t>(checksum.substr(1), 16) != crc32c(rest))
    return std::nullopt;
  const auto shape = std::ranges::find(shapes, take_word(rest), &Shape::word);
  if (shape == shapes.end()) return std::nullopt;
  UidLine out{.type = shape->type, .a = 0, .b = 0, .c = 0, .text = {}};
  if (!read_fields(rest, shape->fields, out)) return std::nullopt;
  return out;
}

}  // namespace facteur::store
