#include "common/dns/wire.h"

#include "catch.h"
#include "common/dns/name.h"
#include "fake_server.h"

using namespace facteur;
using namespace facteur::dns;
using namespace facteur::dns::test;

TEST_CASE("MX records come with preference, name and the least TTL") {
  const auto reply = parse_reply(
      packet("x.org", 15, 0, {mx("X.org", 300, 10, "a.x.org"), mx("x.org", 200, 5, "b_1.x.org")}), "x.org", Type::mx);
  REQUIRE(reply);
  CHECK(reply->outcome == Outcome::found);
  CHECK(reply->lifetime == Seconds{200});
  CHECK(reply->records == std::vector<Record>{{10, "a.x.org"}, {5, "b_1.x.org"}});
}

TEST_CASE("aliases are followed in any order, and a loop of them ends") {
  const auto cname = [](std::string_view from, std::string_view to) { return record(from, 5, 60, wire_name(to)); };
  auto reply =
      parse_reply(packet("a.x", 1, 0, {record("c.x", 1, 900, "\1\2\3\4"), cname("b.x", "c.x"), cname("a.x", "b.x")}),
                  "a.x", Type::a);
  REQUIRE(reply);
  CHECK(reply->records == std::vector<Record>{{0, "\1\2\3\4"}});
  CHECK(reply->lifetime == Seconds{60});
  reply = parse_reply(packet("a.x", 1, 0, {cname("a.x", "b.x"), cname("b.x", "a.x")}), "a.x", Type::a);
  REQUIRE(reply);
  CHECK(reply->outcome == Outcome::temporary);
}

TEST_CASE("DNS-09: only NXDOMAIN and an empty answer are final") {
  const auto outcome = [](unsigned code) {
    return parse_reply(packet("x.org", 15, code, {}), "x.org", Type::mx)->outcome;
  };
  CHECK(outcome(3) == Outcome::no_domain);
  CHECK(outcome(0) == Outcome::no_data);
  for (const unsigned code : {1U, 2U, 4U, 5U, 9U}) CHECK(outcome(code) == Outcome::temporary);
  const auto absent = parse_reply(packet("x.org", 15, 3, {}, {soa("org", 900, 120)}), "x.org", Type::mx);
  CHECK(absent->lifetime == Seconds{120});
}

TEST_CASE("DNS-03: the null MX is an empty name") {
  const auto reply = parse_reply(packet("x.org", 15, 0, {mx("x.org", 1, 0, "")}), "x.org", Type::mx);
  REQUIRE(reply);
  CHECK(reply->records == std::vector<Record>{{0, ""}});
}

TEST_CASE("DNS-06: hostile names are dropped, and alone they are no empty zone") {
  for (const std::string bad : {"a\n.x.org", "a/b.x.org", "a%s.x.org", "\xff.x.org", "a b", "-a.x"}) {
    auto reply = parse_reply(packet("x.org", 15, 0, {mx("x.org", 60, 1, bad)}), "x.org", Type::mx);
    REQUIRE(reply);
    CHECK(reply->outcome == Outcome::temporary);
    reply = parse_reply(packet("x.org", 15, 0, {mx("x.org", 60, 1, bad), mx("x.org", 60, 2, "ok.x.org")}), "x.org",
                        Type::mx);
    CHECK(reply->records == std::vector<Record>{{2, "ok.x.org"}});
  }
  // A dot inside a label must not look like two labels.
  const std::string dotted = u16(1) + "\3a.b\1x" + '\0';
  const auto reply = parse_reply(packet("x.org", 15, 0, {record("x.org", 15, 60, dotted)}), "x.org", Type::mx);
  CHECK(reply->outcome == Outcome::temporary);
}

TEST_CASE("DNS-06: lengths that lie, loops of pointers and short data are refused or passed over") {
  const auto parse = [](const std::string& data) {
    return parse_reply(packet("x.org", 15, 0, {record("x.org", 15, 60, data)}), "x.org", Type::mx);
  };
  CHECK_FALSE(parse(""));                   // no room for a preference
  CHECK_FALSE(parse(u16(1)));               // no room for a name
  CHECK_FALSE(parse(u16(1) + "\xc0\x2d"));  // the pointer points at itself
  CHECK_FALSE(parse(u16(1) + "\xc0\xff"));  // forward
  CHECK_FALSE(parse(u16(1) + "\x80\1a"));   // a reserved kind of label
  CHECK(parse(u16(1) + "\1a\xc0\x0c")->records == std::vector<Record>{{1, "a.x.org"}});
  std::string longest;
  for (int i = 0; i < 128; ++i) longest += "\1a";
  CHECK_FALSE(parse(u16(1) + longest + '\0'));  // 257 octets
  const auto wrong = parse_reply(packet("x.org", 1, 0, {record("x.org", 1, 60, "\1\2\3")}), "x.org", Type::a);
  CHECK(wrong->outcome == Outcome::temporary);
}

TEST_CASE("an answer to another question, or cut anywhere, is not an answer") {
  const auto whole = packet("x.org", 15, 0, {mx("x.org", 300, 10, "a.x.org")});
  CHECK(parse_reply(whole, "x.org", Type::mx));
  CHECK_FALSE(parse_reply(whole, "y.org", Type::mx));
  CHECK_FALSE(parse_reply(whole, "x.org", Type::a));
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    CHECK_FALSE(parse_reply(whole.substr(0, cut), "x.org", Type::mx));
}

TEST_CASE("DNS-05: a thousand records cost no more than the bound") {
  std::vector<std::string> many;
  for (unsigned i = 0; i < 1000; ++i) many.push_back(mx("x.org", 300, i, "a.x.org"));
  const auto reply = parse_reply(packet("x.org", 15, 0, many), "x.org", Type::mx);
  REQUIRE(reply);
  CHECK(reply->records.size() == max_records);
}

TEST_CASE("names of hosts") {
  CHECK(is_host_name("mail.example.org"));
  CHECK_FALSE(is_host_name("mail"));
  CHECK_FALSE(is_host_name("10.9.0.53"));
  CHECK_FALSE(is_host_name("a_b.example.org"));
  CHECK(is_domain_name("a_b.example.org"));
  CHECK_FALSE(is_domain_name("a..b"));
  CHECK_FALSE(is_domain_name("a.b."));
  CHECK_FALSE(is_domain_name(std::string(64, 'a') + ".b"));
}
