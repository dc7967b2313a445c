// What FETCH asks for: data items, and sections of bodies (RFC 3501 section 6.4.5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/wire/parser.h"

namespace facteur::imapd {

/// What of a part a section names.
enum class SectionText : std::uint8_t { all, header, fields, fields_not, text, mime };

/// The words between the brackets: "1.2.HEADER.FIELDS (From To)".
struct Section {
  std::vector<std::uint32_t> path;
  SectionText text = SectionText::all;
  std::vector<std::string> fields;
};

/// <first.count>
struct Partial {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

enum class ItemKind : std::uint8_t { flags, internal_date, size, uid, envelope, body, body_structure, section };

struct FetchItem {
  ItemKind kind = ItemKind::flags;
  std::string label;  ///< as the answer names it: "BODY[1.MIME]<0>"
  Section section{};
  std::optional<Partial> partial{};
  bool sets_seen = false;
};

constexpr std::size_t max_fetch_items = 1000;
/// Part numbers of one section; deeper parts are not looked for (mime::max_depth).
constexpr std::size_t max_section_path = 100;

/// An item, a macro, or a list of items.
[[nodiscard]] std::vector<FetchItem> parse_fetch_items(Parser& parser);

}  // namespace facteur::imapd
