#include "common/address/list.h"

#include <utility>
#include <vector>

#include "catch.h"
#include "common/address/tokens.h"

using namespace facteur;
using namespace std::string_literals;
using address::ListEntry;
using address::parse_list;

namespace {

/// Entries in one line: "name|route|local|domain" with "!" behind malformed ones, "{name" and "}" for groups.
std::string show(std::string_view body, std::size_t most = address::max_list_entries) {
  std::string out;
  for (const auto& entry : parse_list(body, most)) {
    if (!out.empty()) out += ", ";
    if (entry.type == ListEntry::Type::group_end) {
      out += "}";
    } else if (entry.type == ListEntry::Type::group_begin) {
      out += "{" + entry.name.value_or("NIL");
    } else {
      out += entry.name.value_or("NIL") + "|" + entry.route + "|" + entry.local_part + "|" + entry.domain;
      if (!entry.well_formed) out += "!";
    }
  }
  return out;
}

}  // namespace

TEST_CASE("address lists of RFC 5322 appendix A") {
  CHECK(show("John Doe <jdoe@machine.example>") == "John Doe||jdoe|machine.example");
  CHECK(show("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>") ==
        "Mary Smith||mary|x.test, NIL||jdoe|example.org, Who?||one|y.test");
  CHECK(show("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>") ==
        "NIL||boss|nil.test, Giant; \"Big\" Box||sysservices|example.net");
  CHECK(show("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;") ==
        "{A Group, Ed Jones||c|a.test, NIL||joe|where.test, John||jdoe|one.test, }");
  CHECK(show("Undisclosed recipients:;") == "{Undisclosed recipients, }");
  CHECK(show("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>") == "Pete||pete|silly.test");
  CHECK(show("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
             "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)") ==
        "{A Group, Chris Jones||c|public.example, NIL||joe|example.org, John||jdoe|one.test, }");
  CHECK(show("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;") == "{Hidden recipients, }");
  CHECK(show("Joe Q. Public <john.q.public@example.com>") == "Joe Q. Public||john.q.public|example.com");
  CHECK(show("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example") ==
        "Mary Smith|@node.test|mary|example.net, NIL||jdoe|test.example");
  CHECK(show("x <@a.b,@c.d:u@e.f>") == "x|@a.b,@c.d|u|e.f");
  CHECK(show("jim@minfo.sn (Jim B)") == "Jim B||jim|minfo.sn");
  CHECK(show("\"a b\"@x.org, u@[127.0.0.1], \"\"@x.org") == "NIL||a b|x.org, NIL||u|[127.0.0.1], NIL|||x.org");
  CHECK(show("=?utf-8?q?J=C3=BCrgen?= <j@x.org>") == "=?utf-8?q?J=C3=BCrgen?=||j|x.org");
  CHECK(show("\"\" <j@x.org>") == "||j|x.org");
}

TEST_CASE("malformed lists are read by the written rule") {
  CHECK(show("").empty());
  CHECK(show(" ,, (x) ,").empty());
  CHECK(show("jim") == "NIL||jim|!");
  CHECK(show("<>") == "NIL|||!");
  CHECK(show("jim smith@x.org") == "NIL||jim smith|x.org!");
  CHECK(show("jim@x.org <jim@x.org>") == "jim@x.org||jim|x.org");
  CHECK(show("a@b@c") == "NIL||a|b@c!");
  CHECK(show("a@b c") == "NIL||a|b c!");
  CHECK(show("<a@b.c, <d@e.f>") == "NIL||a|b.c!, NIL||d|e.f");
  CHECK(show("<a@b.c") == "NIL||a|b.c!");
  CHECK(show("<<a@b.c>>") == "NIL||<a|b.c!");
  CHECK(show("<@a.b>") == "NIL|@a.b||!");
  CHECK(show("a@b.c>; d@e.f") == "NIL||a|b.c>!, NIL||d|e.f");
  CHECK(show("Group: a@b.c, d@e.f") == "{Group, NIL||a|b.c, NIL||d|e.f, }");
  CHECK(show("A: B: c@d.e;") == "{A, NIL||B:c|d.e!, }");
  CHECK(show("x <a@b.c> y <d@e.f>") == "x||a|b.c");
  CHECK(show("\"open <a@b.c>") == "NIL||open <a@b.c>|!");
  CHECK(show("(open <a@b.c>").empty());
  CHECK(show("[1.2.3.4]@x.org") == "NIL||[1.2.3.4]|x.org!");
  CHECK(show("a@\"b.c\"") == "NIL||a|b.c!");
  CHECK(show("a..b@x.org") == "NIL||a..b|x.org!");
}

TEST_CASE("MIM-13: a backslash at the end of the text") {
  CHECK(show("(\\").empty());
  CHECK(show("\"\\") == "NIL||\\|!");
  CHECK(show("a@b.c (x\\") == "x\\||a|b.c");
  CHECK(show("[") == "NIL||[|!");
}

TEST_CASE("only an address that SMTP can carry is given") {
  CHECK(parse_list("Jim <jim@minfo.sn>")[0].address() == address::Address{"jim", "minfo.sn"});
  CHECK(parse_list("\"a b\"@x.org")[0].address() == address::Address{"a b", "x.org"});
  for (const auto& bad : {"jim"s, "a b@x.org"s, "a@b@c"s, "<a@b.c"s, "\"a\nb\0\"@x.org"s, "a@"s, "a\x01@x.org"s,
                          "a@1.2.3.4"s, std::string(65, 'l') + "@x.org"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_list(bad).at(0).address());
  }
}

TEST_CASE("CMD-19, MIM-03: hostile lists take linear time and bounded room") {
  const auto repeat = [](std::string_view text, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += text;
    return out;
  };
  // The text that all tokens of a body hold together, and how many there are: what parse_list() has to do, which takes
  // each token once.
  const auto work = [](std::string_view body) {
    address::Tokens tokens(body);
    std::size_t sum = 0;
    for (auto token = tokens.next(); token.type != address::Token::Type::end; token = tokens.next()) {
      sum += 1 + token.text.size();
      if (sum > 2 * body.size()) break;
    }
    return sum;
  };
  const std::vector<std::pair<std::string, std::size_t>> bodies{
      {repeat("a@b.c,", 200000), address::max_list_entries},
      {repeat("a:;", 100000), address::max_list_entries + 1},
      {repeat("a:", 100000), 3},
      {repeat("(", 1000000), 0},
      {repeat("(x)", 100000) + "a@b.c", 1},
      {repeat("<", 1000000), 1},
      {repeat("@", 1000000), 1},
      {repeat("\"\"", 500000), 1},
      {repeat("<@a,", 100000), 1},
  };
  for (const auto& [body, entries] : bodies) {
    INFO(body.substr(0, 12));
    CHECK(work(body) <= 2 * body.size());
    const auto list = parse_list(body);
    CHECK(list.size() <= entries);
    CHECK(list.size() + 1 >= entries);
    std::size_t octets = 0;
    for (const auto& entry : list) {
      octets += entry.name.value_or("").size() + entry.route.size() + entry.local_part.size() + entry.domain.size();
    }
    // Spaces are put between words that had none: no more than one each.
    CHECK(octets <= 2 * body.size());
  }
  CHECK(parse_list(repeat("a@b.c,", 100), 3).size() == 3);
  CHECK(show("g:a@b.c,d@e.f", 2) == "{g, NIL||a|b.c, }");
}
