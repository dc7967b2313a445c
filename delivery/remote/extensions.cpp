// A table of keywords.

#include "delivery/remote/extensions.h"

#include <array>
#include <utility>

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::remote {

namespace {

struct Keyword {
  std::string_view name;
  bool Extensions::* offered;
};
constexpr std::array<Keyword, 5> keywords{{
    {"PIPELINING", &Extensions::pipelining},
    {"8BITMIME", &Extensions::eight_bit},
    {"STARTTLS", &Extensions::starttls},
    {"SMTPUTF8", &Extensions::smtputf8},
    {"SIZE", &Extensions::size},
}};

}  // namespace

Extensions parse_extensions(std::string_view reply_text) {
  Extensions extensions;
  bool greeting = true;
  for (const auto line : split(reply_text, '\n')) {
    if (std::exchange(greeting, false)) continue;
    const auto parts = words(trim(line), 3);
    if (parts.empty()) continue;
    for (const auto& keyword : keywords) {
      if (iequals(parts[0], keyword.name)) extensions.*keyword.offered = true;
    }
    if (iequals(parts[0], "SIZE") && parts.size() > 1) {
      extensions.max_size = parse_number<std::uint64_t>(parts[1]).value_or(0);
    }
  }
  return extensions;
}

}  // namespace facteur::remote
