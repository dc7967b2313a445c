#include "common/route/loops.h"

#include <fmt/format.h>

#include "catch.h"
#include "common/route/aliases_file.h"
#include "common/route/expand.h"

using namespace facteur::route;

namespace {

Tables tables(const std::string& aliases, std::map<std::string, std::vector<std::string>> virtual_aliases = {}) {
  Tables made;
  made.domains = {"m.sn", "example.test"};
  made.delimiters = "+";
  made.aliases = parse_aliases(aliases, "/etc/aliases").entries;
  for (auto& [address, targets] : virtual_aliases) made.virtual_aliases[address] = {targets, "", "v.yaml", 3};
  made.postmaster = "jim@m.sn";
  return made;
}

std::vector<std::string> loops(const Tables& with) {
  std::vector<std::string> out;
  for (const auto& loop : find_loops(with)) out.push_back(fmt::format("{}:{}: {}", loop.file, loop.line, loop.what()));
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("aliases that end somewhere are no loops, nor is one that means the account of its name") {
  CHECK(loops(tables("")).empty());
  CHECK(loops(tables("plus: plus+detail\n")).empty());
  CHECK(loops(tables("a: b, c\nb: c, jim\nc: \\c, x@far.example\nself: self, jim\n")).empty());
  CHECK(loops(tables("literal: \\other\nother: literal\n")).empty());
  // Who reads postmaster's mail may have an alias that leads to root.
  CHECK(loops(tables("jim: root\n")).empty());
  CHECK(loops(tables("root: jim\njim: postmaster\n")).empty());
  CHECK(loops(tables("info: info@example.test\n", {{"info@m.sn", {"info@m.sn", "jim"}}})).empty());
}

TEST_CASE("a loop is told once, with the entry that closes it and every address on the way") {
  CHECK(loops(tables("a: b\nb: a\n")) == Lines{"/etc/aliases:2: aliases loop: a@m.sn -> b@m.sn -> a@m.sn"});
  CHECK(loops(tables("start: b\n\nb: jim, c\nc: D@M.SN\nd: x@far.example, b\n")) ==
        Lines{"/etc/aliases:5: aliases loop: b@m.sn -> c@m.sn -> d@m.sn -> b@m.sn"});
  // Two loops through one name, and one apart.
  CHECK(loops(tables("a: b, c\nb: a\nc: a\nx: y\ny: x\n")) ==
        Lines{"/etc/aliases:2: aliases loop: a@m.sn -> b@m.sn -> a@m.sn",
              "/etc/aliases:3: aliases loop: a@m.sn -> c@m.sn -> a@m.sn",
              "/etc/aliases:5: aliases loop: x@m.sn -> y@m.sn -> x@m.sn"});
}

TEST_CASE("loops through virtual aliases, and through all of a domain") {
  CHECK(loops(tables("sales: info@m.sn\n", {{"info@m.sn", {"sales@m.sn"}}})) ==
        Lines{"/etc/aliases:1: aliases loop: info@m.sn -> sales@m.sn -> info@m.sn"});
  CHECK(loops(tables("", {{"@old.test", {"@new.test"}}, {"@new.test", {"@old.test"}}})) ==
        Lines{"v.yaml:3: aliases loop: *@new.test -> *@old.test -> *@new.test"});
  // In a table of its own an address may stand for itself; behind it the aliases are asked.
  CHECK(loops(tables("", {{"info@m.sn", {"info@m.sn", "jim@m.sn"}}})).empty());
}

TEST_CASE("what is told is what the way of mail cuts") {
  for (const auto* text : {"a: b\nb: a\n", "a: b, jim\nb: c\nc: a, jim\n", "a: a\n", "a: b\nb: \\a\n"}) {
    const auto with = tables(text);
    const auto steps = expand("a@m.sn", with).steps;
    const bool cut = std::ranges::any_of(steps, [](const Step& step) { return step.rule == "loop"; });
    CHECK(find_loops(with).empty() != cut);
  }
}

TEST_CASE("long ways, and many, are bounded") {
  std::string chain;
  constexpr int length = 20'000;
  for (int i = 0; i < length; ++i) chain += fmt::format("n{}: n{}\n", i, (i + 1) % length);
  const auto found = loops(tables(chain));
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("/etc/aliases:20000: aliases loop: n0@m.sn -> n1@m.sn -> "));
  CHECK(found[0].ends_with(" -> ... -> n19999@m.sn -> n0@m.sn"));
  CHECK(found[0].size() < 400);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += fmt::format("a{0}: b{0}\nb{0}: a{0}\n", i);
  CHECK(find_loops(tables(many)).size() == max_loops);
  std::string dense;  // each name leads to all: every edge is looked at once
  for (int i = 0; i < 500; ++i) {
    dense += fmt::format("d{}: jim", i);
    for (int j = i + 1; j < 500; ++j) dense += fmt::format(", d{}", j);
    dense += "\n";
  }
  CHECK(find_loops(tables(dense)).empty());
}
