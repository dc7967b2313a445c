#include "common/route/aliases_file.h"

#include "catch.h"

using namespace facteur::route;

namespace {

std::string problem_of(const std::string& text) {
  const auto file = parse_aliases(text, "/etc/aliases");
  return file.problems.empty() ? "" : file.problems.front().what();
}

using Targets = std::vector<std::string>;

}  // namespace

TEST_CASE("An aliases file as people write it") {
  const auto file = parse_aliases(
      "# See man 5 aliases\n\n"
      "Postmaster: root\n"
      "root:jim,\n"
      "   jules@maison.mrs,   # not a comment, as in Postfix\n"
      "\n"
      "# comments and empty lines may stand inside of an entry\n"
      "\talfred\n"
      "\"Jim Smith\" : \"jim\", Jim (the (one) and only) <jim@minfo.sn>\r\n"
      "list: a, b,, c,\n"
      "own: \\own, copy@example.net\n",
      "/etc/aliases");
  CHECK(file.entries.at("postmaster").targets == Targets{"root"});
  CHECK(file.entries.at("postmaster").line == 3);
  CHECK(file.entries.at("jim smith").targets == Targets{"jim", "jim@minfo.sn"});
  CHECK(file.entries.at("list").targets == Targets{"a", "b", "c"});
  CHECK(file.entries.at("own").targets == Targets{"\\own", "copy@example.net"});
  // '#' opens a comment only at the front of a line: the words become a target, which is refused.
  CHECK(file.entries.at("root").line == 4);
  CHECK_FALSE(file.entries.at("root").problem.empty());
  CHECK(file.problems.size() == 1);
}

TEST_CASE("Programs, files and includes are refused by name and place, and their entry waits") {
  CHECK(problem_of("a: b\nprog: \"|/usr/bin/x -y, z\"") ==
        "/etc/aliases:2: prog: programs are not supported as targets: '|/usr/bin/x -y, z'");
  CHECK(problem_of("f: /var/mail/x") == "/etc/aliases:1: f: files are not supported as targets: '/var/mail/x'");
  CHECK(problem_of("i: jim, :Include:/etc/list") ==
        "/etc/aliases:1: i: includes are not supported as targets: ':Include:/etc/list'");
  CHECK_FALSE(parse_aliases("f: /var/mail/x", "x").entries.at("f").problem.empty());
}

TEST_CASE("Lines that are no entry are told with their place") {
  CHECK(problem_of("no colon here\n") == "/etc/aliases:1: no ':' behind the name: 'no colon here'");
  CHECK(problem_of("  leading: x\n") == "/etc/aliases:1: a continuation line has nothing before it");
  CHECK(problem_of("a: b\nA: c\n") == "/etc/aliases:2: duplicate alias 'A' (first on line 1)");
  CHECK(problem_of("a@b: c") == "/etc/aliases:1: not a local name: 'a@b'");
  CHECK(problem_of("empty:\n") == "/etc/aliases:1: empty: has no target");
  CHECK(problem_of("a: jim jules\n").find("is a comma missing?") != std::string::npos);
  CHECK_FALSE(problem_of("a: \"open\n").empty());
  CHECK_FALSE(problem_of("a: (open\n").empty());
  CHECK_FALSE(problem_of("a: <open\n").empty());
  CHECK_FALSE(problem_of("a: x@\n").empty());
  CHECK_FALSE(problem_of("a: @\n").empty());
  CHECK_FALSE(problem_of(": x\n").empty());
  CHECK_FALSE(problem_of("a: \"\"\n").empty());
  CHECK_FALSE(problem_of(std::string("a: x\0y\n", 7)).empty());
  for (const auto* text :
       {"a: b@c@d\n", "a: b@-c\n", "a: b@c..d\n", "a: b@[10.0.0.999]\n", "a: b,\n c: d\n", "a: b,\n c:d\n"}) {
    CAPTURE(text);
    CHECK_FALSE(problem_of(text).empty());
  }
  for (const auto* text : {"a: b@c.example\n", "a: b@[192.0.2.1]\n", "a: b@localhost\n", "a: \\a, b+c@d.example\n"}) {
    CAPTURE(text);
    CHECK(problem_of(text).empty());
  }
  // The first of two entries of one name holds.
  CHECK(parse_aliases("a: b\na: c\n", "f").entries.at("a").targets == Targets{"b"});
}

TEST_CASE("Hostile aliases files stay bounded") {
  CHECK(parse_aliases("a: " + std::string(1 << 20, '('), "f").problems.size() == 1);
  std::string lines = "a: b\n";
  for (int i = 0; i < 100'000; ++i) lines += " ,x" + std::to_string(i) + "\n";
  const auto long_entry = parse_aliases(lines, "f");
  CHECK(long_entry.problems.size() == max_alias_problems);
  CHECK(long_entry.entries.at("a").targets.size() <= max_alias_targets);
  std::string many;
  for (std::size_t i = 0; i < max_aliases + 10; ++i) many += "n" + std::to_string(i) + ": x\n";
  CHECK(parse_aliases(many, "f").entries.size() == max_aliases);
}
