#include "imapd/wire/id.h"

#include <set>

#include "common/base/strings.h"
#include "imapd/wire/limits.h"

namespace facteur::imapd {

namespace {
constexpr std::size_t max_id_field = 30;
constexpr std::size_t max_id_value = 1024;
}  // namespace

void parse_id(Parser& arguments) {
  arguments.space();
  if (!arguments.take_word("NIL")) {
    std::set<std::string> fields;
    arguments.list(true, [&] {
      const auto field = arguments.string();
      arguments.space();
      const auto value = arguments.nstring();
      if (field.size() > max_id_field || value.value_or("").size() > max_id_value) arguments.fail("ID field too long");
      if (!fields.insert(to_lower(field)).second) arguments.fail("ID field given twice");
      if (fields.size() > max_id_fields) arguments.fail("Too many ID fields");
    });
  }
  arguments.end();
}

}  // namespace facteur::imapd
