// Sequence sets (IMP-09) and LIST patterns (IMP-18), each beside a slow and plainly right way.
#include <chrono>
#include <random>

#include "catch.h"
#include "imapd/wire/list_pattern.h"
#include "imapd/wire/sequence_set.h"

using namespace facteur::imapd;

namespace {

std::string resolved(std::string_view text, std::uint32_t largest) {
  const auto set = SequenceSet::parse(text);
  if (!set) return "bad";
  std::string out;
  for (const auto& range : set->resolve(largest)) {
    if (!out.empty()) out += ",";
    out += std::to_string(range.first) + ":" + std::to_string(range.last);
  }
  return out;
}

/// The definition, by recursion.
bool slow_match(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  const char c = pattern.front();
  if (c != '*' && c != '%') return !name.empty() && name.front() == c && slow_match(pattern.substr(1), name.substr(1));
  if (slow_match(pattern.substr(1), name)) return true;
  return !name.empty() && (c == '*' || name.front() != '/') && slow_match(pattern, name.substr(1));
}

std::string repeat(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("IMP-09: sequence sets are checked and merged") {
  CHECK(resolved("1,3:5,4:7,9", 20) == "1:1,3:7,9:9");
  CHECK(resolved("*", 7) == "7:7");
  CHECK(resolved("*:1", 7) == "1:7");
  CHECK(resolved("10:*", 7) == "7:10");
  CHECK(resolved("1:4294967295", 3) == "1:4294967295");
  CHECK(resolved("4294967295:1,5", 3) == "1:4294967295");
  CHECK(resolved("2,1", 3) == "1:2");
  for (const auto* text : {"0", "0:1", "1:0", "4294967296", "", ",", "1,", ",1", "1:", ":1", "1:2:3", "-1", "1 ", "a",
                           "**", "1,,2", "$"}) {
    INFO(text);
    CHECK(resolved(text, 3) == "bad");
  }
  CHECK(resolved("1" + repeat(",1", 100000), 3) == "1:1");
  CHECK(resolved("1:*" + repeat(",1:*", 10000), 3) == "1:3");
  CHECK(resolved("1" + repeat(",3,1", 100000), 3) == "1:1,3:3");
}

TEST_CASE("Membership and the text of UIDs") {
  const Ranges ranges{{2, 4}, {7, 7}};
  CHECK_FALSE(contains(ranges, 1));
  CHECK(contains(ranges, 2));
  CHECK(contains(ranges, 4));
  CHECK_FALSE(contains(ranges, 5));
  CHECK(contains(ranges, 7));
  CHECK_FALSE(contains(ranges, 8));
  CHECK_FALSE(contains({}, 1));
  CHECK(to_text({1, 2, 3, 7, 9, 10}) == "1:3,7,9:10");
  CHECK(to_text({}).empty());
}

TEST_CASE("IMP-18: patterns match as defined") {
  std::mt19937 random(42);
  const std::string_view letters = "ab/*%";
  for (int i = 0; i < 20000; ++i) {
    std::string pattern;
    std::string name;
    for (auto n = random() % 8; n > 0; --n) pattern += letters[random() % 5];
    for (auto n = random() % 9; n > 0; --n) name += letters[random() % 3];
    INFO(pattern << " " << name);
    REQUIRE(ListPattern::compile(pattern, '/')->matches(name) == slow_match(pattern, name));
  }
}

TEST_CASE("IMP-18: hostile patterns take linear time") {
  const auto start = std::chrono::steady_clock::now();
  CHECK(ListPattern::compile(repeat("%*", 5000), '/')->matches("a/b"));
  CHECK(ListPattern::compile(repeat("*", 10240), '/')->matches("a/b"));
  const auto pattern = ListPattern::compile(repeat("*a", 400) + "b", '/');
  REQUIRE(pattern);
  for (int i = 0; i < 100; ++i) CHECK_FALSE(pattern->matches(repeat("a", 1000)));
  CHECK_FALSE(ListPattern::compile(repeat("ab", 10000), '/'));
  CHECK_FALSE(ListPattern::compile("\xc3\xa9", '/'));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}
