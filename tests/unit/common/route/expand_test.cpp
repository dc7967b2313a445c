#include "common/route/expand.h"

#include <algorithm>

#include "catch.h"
#include "common/route/aliases_file.h"

using namespace facteur::route;

namespace {

Tables tables(const std::string& aliases, std::map<std::string, std::vector<std::string>> virtual_aliases = {}) {
  Tables made;
  made.domains = {"minfo.sn", "example.test"};
  made.delimiters = "+-";
  made.aliases = parse_aliases(aliases, "/etc/aliases").entries;
  for (auto& [address, targets] : virtual_aliases) made.virtual_aliases[address] = {targets, "", "v.yaml", 1};
  made.exact_accounts = {"jean-paul@minfo.sn"};
  made.postmaster = "jim@minfo.sn";
  return made;
}

/// Accounts and foreign addresses that an address leads to, sorted; the reason when it is not found.
std::vector<std::string> ends(const std::string& address, const Tables& with) {
  const auto expansion = expand(address, with);
  if (expansion.outcome != Outcome::found) return {expansion.text};
  std::vector<std::string> out;
  for (const auto& r : expansion.recipients) {
    out.push_back(r.local() ? r.account + (r.detail.empty() ? "" : " " + r.detail) : "<" + r.address + ">");
  }
  std::ranges::sort(out);
  return out;
}

using Ends = std::vector<std::string>;

}  // namespace

TEST_CASE("Accounts, details and other domains") {
  const auto t = tables("");
  CHECK(ends("Jim@MINFO.sn", t) == Ends{"jim@minfo.sn"});
  CHECK(ends("jim", t) == Ends{"jim@minfo.sn"});
  CHECK(ends("jim+Lists@example.test", t) == Ends{"jim@example.test Lists"});
  CHECK(ends("jean-paul@minfo.sn", t) == Ends{"jean-paul@minfo.sn"});
  CHECK(ends("jean-paul@example.test", t) == Ends{"jean@example.test paul"});
  CHECK(ends("+x@minfo.sn", t) == Ends{"+x@minfo.sn"});
  CHECK(ends("@minfo.sn", t) == Ends{"@minfo.sn"});
  CHECK(ends("Bob@Far.example", t) == Ends{"<Bob@far.example>"});
  CHECK(ends("odd@part@minfo.sn", t) == Ends{"odd@part@minfo.sn"});
  CHECK_FALSE(expand("jim@minfo.sn", t).replaced);
}

TEST_CASE("Aliases lead to names, addresses and lists, each recipient once") {
  const auto t =
      tables("info: jim, Jules@example.test, far@other.example\nall: info, jim, info+x\nself: self, x@y.z\n");
  CHECK(ends("INFO@example.test", t) == Ends{"<far@other.example>", "jim@minfo.sn", "jules@example.test"});
  CHECK(ends("all@minfo.sn", t) == Ends{"<far@other.example>", "jim@minfo.sn", "jules@example.test"});
  CHECK(ends("info+detail@minfo.sn", t).size() == 3);
  CHECK(ends("self@minfo.sn", t) == Ends{"<x@y.z>", "self@minfo.sn"});
  CHECK(ends("info@far.example", t) == Ends{"<info@far.example>"});
  const auto expansion = expand("info@minfo.sn", t);
  CHECK(expansion.replaced);
  CHECK(expansion.steps.front().rule == "alias");
  CHECK(expansion.steps.front().file == "/etc/aliases");
  CHECK(expansion.steps.front().line == 1);
}

TEST_CASE("Virtual aliases go by whole address, then by domain") {
  const auto t = tables("jim: jules\n", {{"info@minfo.sn", {"jim", "\\jim"}},
                                         {"@gone.example", {"@minfo.sn"}},
                                         {"@example.test", {"jim@example.test"}},
                                         {"me@example.test", {"me@example.test", "x@y.z"}}});
  CHECK(ends("info@minfo.sn", t) == Ends{"jim@minfo.sn", "jules@minfo.sn"});
  CHECK(ends("Info+x@minfo.sn", t) == Ends{"jim@minfo.sn", "jules@minfo.sn"});
  CHECK(ends("anna@gone.example", t) == Ends{"anna@minfo.sn"});
  CHECK(ends("nobody@example.test", t) == Ends{"jules@minfo.sn"});
  CHECK(ends("me@example.test", t) == Ends{"<x@y.z>", "me@example.test"});
}

TEST_CASE("REL-08: aliases that lead back are cut, and what else they reach counts") {
  const auto t = tables("a: b\nb: a\nc: d, jim\nd: c\n");
  CHECK(ends("a@minfo.sn", t) == Ends{"aliases loop: /etc/aliases:2"});
  CHECK(expand("a@minfo.sn", t).outcome == Outcome::loop);
  CHECK(ends("c@minfo.sn", t) == Ends{"jim@minfo.sn"});
  std::string chain;
  for (int i = 0; i < 200; ++i) chain += "n" + std::to_string(i) + ": n" + std::to_string(i + 1) + "\n";
  CHECK(expand("n0@minfo.sn", tables(chain)).outcome == Outcome::loop);
  CHECK(ends("n170@minfo.sn", tables(chain)) == Ends{"n200@minfo.sn"});
}

TEST_CASE("An expansion does not grow without bound") {
  // Ten lists of a thousand, each of ten lists of a thousand.
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += "big" + std::to_string(i) + ": x";
    for (int j = 0; j < 900; ++j) text += ", u" + std::to_string(i) + "x" + std::to_string(j);
    for (int j = 0; j < 10; ++j) text += ", big" + std::to_string(j);
    text += "\n";
  }
  const auto expansion = expand("big0@minfo.sn", tables(text));
  CHECK(expansion.outcome == Outcome::too_many);
  CHECK(expansion.recipients.empty());
  CHECK(expansion.steps.size() <= 2 * max_recipients_of_alias);
}

TEST_CASE("An entry that cannot be used holds back all of the mail for it") {
  const auto t = tables("p: |/bin/x\nmix: jim, p\n");
  CHECK(expand("p@minfo.sn", t).outcome == Outcome::refused);
  CHECK(ends("mix@minfo.sn", t) == Ends{"/etc/aliases:1: programs are not supported as targets: '|/bin/x'"});
}

TEST_CASE("Postmaster is always somebody, and root is never an account") {
  CHECK(ends("postmaster", tables("")) == Ends{"jim@minfo.sn"});
  CHECK(ends("PostMaster@example.test", tables("")) == Ends{"jim@minfo.sn"});
  CHECK(ends("postmaster@minfo.sn", tables("postmaster: root\n")) == Ends{"jim@minfo.sn"});
  CHECK(ends("postmaster@minfo.sn", tables("postmaster: jules\n")) == Ends{"jules@minfo.sn"});
  CHECK(ends("postmaster@minfo.sn", tables("jim: far@x.y\n")) == Ends{"<far@x.y>"});
  auto t = tables("");
  t.exact_accounts = {"postmaster@minfo.sn"};
  CHECK(ends("postmaster@minfo.sn", t) == Ends{"postmaster@minfo.sn"});
  t = tables("");
  t.postmaster = "root@minfo.sn";
  CHECK(ends("postmaster@minfo.sn", t) == Ends{"root@minfo.sn"});
  t.postmaster.clear();
  CHECK(ends("postmaster@minfo.sn", t) == Ends{"postmaster@minfo.sn"});
}
