#include "imapd/session/commands/fetch_items.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "imapd/wire/format.h"

namespace facteur::imapd {

namespace {

struct Macro {
  std::string_view name;
  std::vector<ItemKind> items;
};
const std::array<Macro, 3> macros{{
    {"ALL", {ItemKind::flags, ItemKind::internal_date, ItemKind::size, ItemKind::envelope}},
    {"FAST", {ItemKind::flags, ItemKind::internal_date, ItemKind::size}},
    {"FULL", {ItemKind::flags, ItemKind::internal_date, ItemKind::size, ItemKind::envelope, ItemKind::body}},
}};

struct PlainItem {
  std::string_view name;
  ItemKind kind;
};
constexpr std::array<PlainItem, 7> plain_items{{
    {"FLAGS", ItemKind::flags},
    {"INTERNALDATE", ItemKind::internal_date},
    {"RFC822.SIZE", ItemKind::size},
    {"UID", ItemKind::uid},
    {"ENVELOPE", ItemKind::envelope},
    {"BODY", ItemKind::body},
    {"BODYSTRUCTURE", ItemKind::body_structure},
}};

/// The items of RFC 822's days: sections under other names.
struct OldItem {
  std::string_view name;
  SectionText text;
  bool sets_seen;
};
constexpr std::array<OldItem, 3> old_items{{
    {"RFC822", SectionText::all, true},
    {"RFC822.HEADER", SectionText::header, false},
    {"RFC822.TEXT", SectionText::text, true},
}};

struct SectionWord {
  std::string_view name;
  SectionText text;
};
constexpr std::array<SectionWord, 5> section_words{{
    {"HEADER.FIELDS.NOT", SectionText::fields_not},
    {"HEADER.FIELDS", SectionText::fields},
    {"HEADER", SectionText::header},
    {"TEXT", SectionText::text},
    {"MIME", SectionText::mime},
}};

bool is_item_char(char c) {
  return is_alnum(c) || c == '.';
}

FetchItem plain(const PlainItem& item) {
  return {.kind = item.kind, .label = std::string(item.name)};
}

FetchItem plain(ItemKind kind) {
  return plain(*std::find_if(plain_items.begin(), plain_items.end(),
                             [kind](const PlainItem& item) { return item.kind == kind; }));
}

/// header-list, kept with its spelling for the answer.
void parse_fields(Parser& parser, FetchItem& item) {
  parser.space();
  item.label += " (";
  parser.list(false, [&] {
    item.section.fields.push_back(parser.astring());
    if (!item.label.ends_with('(')) item.label += ' ';
    append_astring(item.label, item.section.fields.back());
  });
  item.label += ')';
}

void parse_section_text(Parser& parser, FetchItem& item) {
  const auto word = parser.run(is_item_char, "section");
  const auto found = std::find_if(section_words.begin(), section_words.end(),
                                  [&](const SectionWord& known) { return iequals(known.name, word); });
  if (found == section_words.end()) return parser.fail("Unknown section " + std::string(word.substr(0, 40)));
  if (found->text == SectionText::mime && item.section.path.empty()) return parser.fail("MIME without a part number");
  item.section.text = found->text;
  item.label += found->name;
  const bool lists = found->text == SectionText::fields || found->text == SectionText::fields_not;
  if (lists) parse_fields(parser, item);
}

/// Behind "[": part numbers and what of the part, up to "]".
void parse_section(Parser& parser, FetchItem& item) {
  item.label += '[';
  while (is_digit(parser.peek())) {
    const auto number = parser.number();
    if (number == 0) parser.fail("Part numbers begin at 1");
    if (item.section.path.size() == max_section_path) parser.fail("Too many part numbers");
    item.section.path.push_back(number);
    item.label += std::to_string(number);
    if (!parser.take('.')) break;
    item.label += '.';
    if (parser.peek() == ']') parser.fail("Missing section");
  }
  const bool complete = !item.section.path.empty() && !item.label.ends_with('.');
  if (parser.peek() != ']' && !complete) parse_section_text(parser, item);
  parser.expect(']');
  item.label += ']';
}

void parse_partial(Parser& parser, FetchItem& item) {
  if (!parser.take('<')) return;
  Partial partial;
  partial.first = parser.number();
  parser.expect('.');
  partial.count = parser.number();
  if (parser && partial.count == 0) parser.fail("Partial of no octets");
  parser.expect('>');
  item.partial = partial;
  item.label += '<' + std::to_string(partial.first) + '>';
}

FetchItem parse_item(Parser& parser) {
  const auto word = parser.run(is_item_char, "FETCH item");
  const bool is_body = iequals(word, "BODY");
  if ((is_body || iequals(word, "BODY.PEEK")) && parser.take('[')) {
    FetchItem item{.kind = ItemKind::section, .label = "BODY", .sets_seen = is_body};
    parse_section(parser, item);
    parse_partial(parser, item);
    return item;
  }
  for (const auto& item : plain_items) {
    if (iequals(item.name, word)) return plain(item);
  }
  for (const auto& item : old_items) {
    if (!iequals(item.name, word)) continue;
    return {ItemKind::section, std::string(item.name), {{}, item.text, {}}, {}, item.sets_seen};
  }
  parser.fail("Unknown FETCH item " + std::string(word.substr(0, 40)));
  return {};
}

}  // namespace

std::vector<FetchItem> parse_fetch_items(Parser& parser) {
  std::vector<FetchItem> items;
  for (const auto& macro : macros) {
    if (!parser.take_word(macro.name)) continue;
    for (const auto kind : macro.items) items.push_back(plain(kind));
    return items;
  }
  if (parser.peek() != '(') return {parse_item(parser)};
  parser.list(false, [&] {
    if (items.size() == max_fetch_items) return parser.fail("Too many FETCH items");
    items.push_back(parse_item(parser));
  });
  return items;
}

}  // namespace facteur::imapd
