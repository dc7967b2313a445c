#include "imapd/session/mailbox/flags.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/strings.h"

namespace facteur::imapd {

namespace {

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 5> system_flags{{
    {"Answered", store::answered},
    {"Flagged", store::flagged},
    {"Deleted", store::deleted},
    {"Seen", store::seen},
    {"Draft", store::draft},
}};

/// A keyword's name is stored in files whose fields are separated by spaces and lines.
constexpr std::size_t max_keyword_length = 128;

void parse_flag(Parser& parser, FlagNames& flags) {
  const bool system = parser.take('\\');
  const auto name = parser.atom("flag");
  if (!parser) return;
  if (!system) {
    if (name.size() > max_keyword_length) return parser.fail(no("Keyword too long", "LIMIT"));
    const bool known = std::any_of(flags.keywords.begin(), flags.keywords.end(),
                                   [&](const std::string& other) { return iequals(other, name); });
    if (known) return;
    if (flags.keywords.size() == store::max_keywords) return parser.fail(no("Too many keywords", "LIMIT"));
    flags.keywords.emplace_back(name);
    return;
  }
  for (const auto& [word, bit] : system_flags) {
    if (!iequals(word, name)) continue;
    flags.system = static_cast<std::uint8_t>(flags.system | bit);
    return;
  }
  parser.fail("No such system flag: \\" + std::string(name.substr(0, 40)));
}

}  // namespace

std::string show_flags(const store::Flags& flags, const std::vector<std::string>& keywords, bool recent) {
  std::string out;
  const auto add = [&out](std::string_view mark, std::string_view name) {
    if (!out.empty()) out += ' ';
    out.append(mark).append(name);
  };
  for (const auto& [name, bit] : system_flags) {
    if ((flags.system & bit) != 0) add("\\", name);
  }
  if (recent) add("\\", "Recent");
  for (std::size_t i = 0; i < keywords.size() && i < store::max_keywords; ++i) {
    if ((flags.keywords >> i & 1) != 0) add("", keywords[i]);
  }
  return out;
}

FlagNames parse_flag_list(Parser& parser) {
  FlagNames flags;
  parser.list(true, [&] { parse_flag(parser, flags); });
  return flags;
}

FlagNames parse_store_flags(Parser& parser) {
  if (parser.peek() == '(') return parse_flag_list(parser);
  FlagNames flags;
  do {
    parse_flag(parser, flags);
  } while (parser.take(' '));
  return flags;
}

std::uint64_t keyword_bit(const std::vector<std::string>& keywords, std::string_view name) {
  for (std::size_t i = 0; i < keywords.size() && i < store::max_keywords; ++i) {
    if (iequals(keywords[i], name)) return std::uint64_t{1} << i;
  }
  return 0;
}

}  // namespace facteur::imapd
