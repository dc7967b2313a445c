#include <map>
#include <random>

#include "catch.h"
#include "common/store/uids/entries.h"

using namespace facteur::store;

namespace {

UidEntry entry(Uid uid, std::string base) {
  UidEntry out;
  out.uid = uid;
  out.base = std::move(base);
  return out;
}

/// What is there, as a map would have it.
std::map<Uid, std::string> content(const UidEntries& entries) {
  std::map<Uid, std::string> out;
  for (const auto& one : entries.all()) out.emplace_hint(out.end(), one.uid, one.base);
  return out;
}

}  // namespace

TEST_CASE("entries are found by UID and by name, and a name stands for one message") {
  UidEntries entries;
  CHECK(entries.find("a") == nullptr);
  CHECK(entries.find(1) == nullptr);
  REQUIRE(entries.add(entry(1, "a")));
  REQUIRE(entries.add(entry(7, "b")));
  CHECK(entries.add(entry(8, "a")) == nullptr);
  CHECK(entries.size() == 2);
  CHECK(entries.find(7)->base == "b");
  CHECK(entries.find("b")->uid == 7);
  CHECK(entries.find(3) == nullptr);
  CHECK(entries.find("") == nullptr);

  int removed = 0;
  entries.remove(2, 100, [&](const UidEntry& gone) {
    CHECK(gone.base == "b");
    ++removed;
  });
  CHECK(removed == 1);
  CHECK(entries.find(7) == nullptr);
  CHECK(entries.find("b") == nullptr);
  CHECK(entries.add(entry(9, "b"))->uid == 9);
  CHECK(content(entries) == std::map<Uid, std::string>{{1, "a"}, {9, "b"}});
  entries.clear();
  CHECK(entries.size() == 0);
  CHECK(entries.find("a") == nullptr);
}

TEST_CASE("whatever comes and goes, entries are what a map of them is") {
  std::mt19937 random(GENERATE(1U, 2U, 3U));
  UidEntries entries;
  std::map<Uid, std::string> expected;
  std::map<std::string, Uid> names;
  Uid next = 1;
  const auto below = [&](Uid most) { return static_cast<Uid>(random() % most); };
  const auto forget = [&](Uid first, Uid last) {
    entries.remove(first, last, [&](const UidEntry& gone) {
      REQUIRE(expected.at(gone.uid) == gone.base);
      names.erase(gone.base);
      expected.erase(gone.uid);
    });
    REQUIRE(expected.lower_bound(first) == expected.upper_bound(last));
  };
  for (int step = 0; step < 20'000; ++step) {
    const auto name = "m" + std::to_string(random() % 3000);
    // More come than go, then more go than come, again and again.
    if (random() % 100 < (step / 4000 % 2 == 0 ? 70U : 30U)) {
      const bool added = entries.add(entry(next, name)) != nullptr;
      REQUIRE(added == !names.contains(name));
      if (added) {
        expected[next] = name;
        names[name] = next;
      }
      next += 1 + below(3);
    } else {
      const Uid first = below(next);
      forget(first, first + (random() % 50 == 0 ? 100 : 0));
    }
    const auto* found = entries.find(name);
    REQUIRE((found == nullptr ? 0 : found->uid) == (names.contains(name) ? names[name] : 0));
    REQUIRE(entries.size() == expected.size());
    if (step % 500 == 0) REQUIRE(content(entries) == expected);
  }
  REQUIRE(content(entries) == expected);
}
