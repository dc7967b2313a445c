// The rules of MX with this host's own facts: the addresses it has, and those that no host may have, in any spelling.

#include "queue/daemon/mx_rules.h"

#include <set>

#include "catch.h"
#include "common/base/random.h"

using namespace facteur;
using namespace facteur::queue;

namespace {

MxRules rules_of(const std::vector<std::string>& own) {
  config::Settings settings;
  settings.hostname = "mx.minfo.sn";
  std::vector<net::Ip> ips;
  for (const auto& text : own) ips.push_back(net::Ip::parse(text).value());
  return mx_rules(settings, std::move(ips));
}

MxHost host(std::string name, std::uint16_t preference, std::vector<std::string> ips) {
  return {std::move(name), preference, std::move(ips), false};
}

Resolved answer(std::vector<MxHost> hosts) {
  Resolved out;
  out.outcome = DnsOutcome::found;
  out.hosts = std::move(hosts);
  return out;
}

/// The addresses in the order of one attempt; the status code where there are none.
std::vector<std::string> targets(std::vector<MxHost> hosts, const MxRules& rules) {
  const auto judged = judge_answer(answer(std::move(hosts)), "example.org", rules);
  if (!judged) return {judged.error().status};
  std::vector<std::string> out;
  for (const auto& target : choose_targets(*judged, 25, random_below)) out.push_back(target.ip);
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("our own addresses are known in every spelling, and no others are") {
  const auto rules = rules_of({"192.0.2.1", "2001:db8::1"});
  CHECK(rules.hostname == "mx.minfo.sn");
  for (const auto* own : {"192.0.2.1", "::ffff:192.0.2.1", "::FFFF:C000:0201", "2001:db8::1", "2001:DB8:0:0:0:0:0:1"}) {
    INFO(own);
    CHECK(rules.is_own(own));
  }
  for (const auto* other : {"192.0.2.2", "192.0.2.10", "::192.0.2.1", "2001:db8::", "2001:db8::1:1", "", "192.0.2.1 ",
                            "192.0.2.1:25", "[192.0.2.1]", "mx.minfo.sn"}) {
    INFO(other);
    CHECK_FALSE(rules.is_own(other));
  }
  CHECK_FALSE(rules_of({}).is_own("127.0.0.1"));  // without listeners nothing is ours
}

TEST_CASE("addresses that no host of the Internet has are unreachable from the first to the last of their block") {
  const auto rules = rules_of({});
  for (const auto* text :
       {"0.0.0.0",        "0.255.255.255",      "127.0.0.1",       "127.255.255.255", "169.254.0.0", "169.254.255.255",
        "224.0.0.0",      "239.255.255.255",    "240.0.0.0",       "255.255.255.255", "::",          "::1",
        "fe80::",         "febf:ffff::1",       "ff00::",          "ff02::1",         "ffff::",      "::ffff:127.0.0.1",
        "::ffff:0.0.0.0", "::ffff:169.254.1.1", "::ffff:224.0.0.1"}) {
    INFO(text);
    CHECK(rules.is_unreachable(text));
  }
  // What is no address at all is not connected to either.
  for (const auto* text : {"", "localhost", "127.1", "127.0.0.1.", "fe80::1%eth0", "[::1]"}) {
    INFO(text);
    CHECK(rules.is_unreachable(text));
  }
}

TEST_CASE("neighbours of the unreachable blocks are hosts, and so are private networks") {
  const auto rules = rules_of({});
  for (const auto* text : {"1.0.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
                           "223.255.255.255", "::2", "fe7f:ffff::", "fec0::", "feff::1", "2001:db8::1", "fc00::1",
                           "10.9.0.1", "172.16.0.1", "192.168.10.1", "::ffff:192.168.10.1"}) {
    INFO(text);
    CHECK_FALSE(rules.is_unreachable(text));
  }
}

TEST_CASE("a host behind one of our addresses, whatever its name, cuts the list where it stands (DNS-02)") {
  const auto rules = rules_of({"192.0.2.99", "2001:db8::99"});
  const auto better = host("better", 10, {"198.51.100.1"});
  const auto equal = host("equal", 20, {"198.51.100.2"});
  const auto worse = host("worse", 30, {"198.51.100.3"});
  for (const auto* own : {"192.0.2.99", "::ffff:192.0.2.99", "2001:db8::99"}) {
    CHECK(targets({worse, host("other-name", 20, {"198.51.100.9", own}), equal, better}, rules) ==
          Texts{"198.51.100.1"});
    CHECK(targets({host("other-name", 10, {own}), equal, worse}, rules) == Texts{"5.4.6"});
  }
  // Our name without an address of ours: behind a gateway that forwards to us.
  CHECK(targets({host("MX.Minfo.SN.", 20, {"203.0.113.5"}), better, worse}, rules) == Texts{"198.51.100.1"});
  CHECK(targets({host("mx.minfo.sn.example", 20, {"203.0.113.5"})}, rules) == Texts{"203.0.113.5"});
}

TEST_CASE(
    "we are found at an address that is not connected to: a name of ours in the loopback is a loop, not silence") {
  const auto rules = rules_of({"127.0.0.1"});
  CHECK(targets({host("alias", 10, {"127.0.0.1"})}, rules) == Texts{"5.4.6"});
  CHECK(targets({host("alias", 10, {"127.0.0.2"})}, rules) == Texts{"5.4.4"});
}

TEST_CASE("the order of attempts: preference, then chance, addresses as they came, unreachable ones left out") {
  const auto rules = rules_of({});
  const std::vector<MxHost> hosts{host("last", 20, {"198.51.100.9"}),
                                  host("a", 10, {"127.0.0.1", "198.51.100.1", "2001:db8::1"}),
                                  host("b", 10, {"198.51.100.2", "fe80::2"})};
  std::set<Texts> seen;
  for (int round = 0; round < 200; ++round) seen.insert(targets(hosts, rules));
  CHECK(seen == std::set<Texts>{{"198.51.100.1", "2001:db8::1", "198.51.100.2", "198.51.100.9"},
                                {"198.51.100.2", "198.51.100.1", "2001:db8::1", "198.51.100.9"}});
}

TEST_CASE("a null MX is refused before any address is looked at (DNS-03)") {
  const auto rules = rules_of({"192.0.2.1"});
  CHECK(targets({host(".", 0, {})}, rules) == Texts{"5.1.10"});
  CHECK(targets({host("mx.minfo.sn", 0, {"192.0.2.1"}), host("", 10, {})}, rules) == Texts{"5.1.10"});
}
