#include "common/store/mutf7.h"

#include "catch.h"

using namespace facteur::store;

TEST_CASE("names go to modified UTF-7 and back") {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"INBOX", "INBOX"},
      {"Entw\xc3\xbcrfe", "Entw&APw-rfe"},
      {"A & B", "A &- B"},
      {"\xe5\x8f\xb0\xe5\x8c\x97", "&U,BTFw-"},
      {"\xf0\x9f\x98\x80", "&2D3eAA-"},
      {"&\xe2\x98\xba!", "&-&Jjo-!"},
  };
  for (const auto& [utf8, mutf7] : pairs) {
    CHECK(utf8_to_mutf7(utf8) == mutf7);
    CHECK(mutf7_to_utf8(mutf7) == utf8);
  }
}

TEST_CASE("IMP-16: what is not canonical is refused") {
  for (const char* bad : {"&", "&AA", "&2AA-", "&3AA-", "&AGE-", "&Jjo", "&Jjo-&Jjo-", "&AC8-", "&AC4ALg-", "&Jjp-",
                          "&A-", "\xc3\xbc", "&Jjo=-", "&Jj/-", "a&b", "&2D3YPQ-"}) {
    INFO(bad);
    CHECK_FALSE(mutf7_to_utf8(bad));
  }
  // NUL is a character like others here; canonical_name() refuses it.
  CHECK(mutf7_to_utf8("&AAA-") == std::string(1, '\0'));
}
