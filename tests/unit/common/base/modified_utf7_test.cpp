#include "common/base/modified_utf7.h"

#include <algorithm>

#include "catch.h"
#include "common/base/strings.h"

using namespace facteur;

TEST_CASE("names go to modified UTF-7 and back") {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"INBOX", "INBOX"},
      {"Entw\xc3\xbcrfe", "Entw&APw-rfe"},
      {"A & B", "A &- B"},
      {"\xe5\x8f\xb0\xe5\x8c\x97", "&U,BTFw-"},
      {"\xf0\x9f\x98\x80", "&2D3eAA-"},
      {"&\xe2\x98\xba!", "&-&Jjo-!"},
  };
  for (const auto& [utf8, wire] : pairs) {
    CHECK(to_modified_utf7(utf8) == wire);
    CHECK(from_modified_utf7(wire) == utf8);
  }
}

TEST_CASE("IMP-16: what is not canonical is refused") {
  for (const char* bad : {"&",     "&AA",  "&2AA-",    "&3AA-",      "&AGE-", "&Jjo", "&Jjo-&Jjo-", "&AC8-", "&AC4ALg-",
                          "&Jjp-", "&A-",  "\xc3\xbc", "&Jjo=-",     "&Jj/-", "a&b",  "&2D3YPQ-",   "&AAA-", "&AAo-",
                          "&AH8-", "a\nb", "\x7f",     "&AOk-&AOk-", "&AOk",  "&-&",  "&,,,,-"}) {
    INFO(bad);
    CHECK_FALSE(from_modified_utf7(bad));
  }
  CHECK_FALSE(from_modified_utf7(std::string(1, '\0')));
}

TEST_CASE("IMP-16: text of any octets is written as ASCII, and read as itself or not at all") {
  for (int high = 0; high < 256; ++high) {
    for (int low = 0; low < 256; ++low) {
      const std::string text{'a', static_cast<char>(high), static_cast<char>(low)};
      if (!is_utf8(text)) continue;
      const auto wire = to_modified_utf7(text);
      REQUIRE(std::ranges::all_of(wire, [](char c) { return c >= 0x20 && c < 0x7f; }));
      const bool control = is_control(text[1]) || is_control(text[2]);
      REQUIRE(from_modified_utf7(wire) == (control ? std::nullopt : std::optional(text)));
    }
  }
}
