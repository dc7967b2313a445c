#include "queue/schedule/mx.h"

#include <map>

#include "catch.h"
#include "common/base/random.h"

using namespace facteur;
using namespace facteur::queue;

namespace {

const MxRules rules{"mx.minfo.sn", [](std::string_view ip) { return ip == "192.0.2.99"; },
                    [](std::string_view ip) { return ip.starts_with("127."); }};

MxHost host(std::string name, std::uint16_t preference, std::vector<std::string> ips = {"192.0.2.1"}) {
  return {std::move(name), preference, std::move(ips), false};
}

Resolved answer(std::vector<MxHost> hosts) {
  Resolved out;
  out.outcome = DnsOutcome::found;
  out.hosts = std::move(hosts);
  return out;
}

std::string status_of(const Resolved& resolved) {
  const auto judged = judge_answer(resolved, "example.org", rules);
  return judged ? "ok" : judged.error().status;
}

std::string first_target(const Exchange& exchange) {
  return choose_targets(exchange, 25, random_below).front().host;
}

}  // namespace

TEST_CASE("hosts are tried by preference, equal ones each first about as often") {
  const auto judged = judge_answer(answer({host("c", 20), host("a", 10), host("b", 10)}), "example.org", rules);
  REQUIRE(judged);
  CHECK(judged->site == "a,b,c");
  std::map<std::string, int> first;
  for (int i = 0; i < 1000; ++i) {
    ++first[first_target(*judged)];
    CHECK(choose_targets(*judged, 25, random_below).back().host == "c");
  }
  CHECK(first["a"] > 400);
  CHECK(first["b"] > 400);
}

TEST_CASE("domains with the same hosts are one site, in whatever order and case") {
  const auto one = judge_answer(answer({host("MX1.prov.net.", 10), host("mx2.prov.net", 20)}), "a.org", rules);
  const auto two = judge_answer(answer({host("mx2.prov.net", 5), host("mx1.prov.net", 5)}), "b.org", rules);
  CHECK(one->site == two->site);
}

TEST_CASE("a null MX refuses mail at once, beside others too (DNS-03)") {
  CHECK(status_of(answer({host("", 0, {})})) == "5.1.10");
  CHECK(status_of(answer({host(".", 0, {})})) == "5.1.10");
  CHECK(status_of(answer({host("a", 10), host("", 0, {})})) == "5.1.10");
}

TEST_CASE("our own host cuts the list; when nothing is left it is a loop (DNS-02)") {
  const auto judged = judge_answer(answer({host("a", 10), host("MX.minfo.SN.", 20), host("b", 20), host("c", 30)}),
                                   "example.org", rules);
  REQUIRE(judged);
  CHECK(judged->site == "a");
  CHECK(status_of(answer({host("mx.minfo.sn", 10), host("b", 20)})) == "5.4.6");
  CHECK(status_of(answer({host("alias", 10, {"192.0.2.99"}), host("b", 10)})) == "5.4.6");
}

TEST_CASE("addresses that no host may have are never connected to (DNS-01)") {
  CHECK(status_of(answer({host("a", 10, {"127.0.0.1"})})) == "5.4.4");
  const auto judged = judge_answer(answer({host("a", 10, {"127.0.0.1", "192.0.2.1"})}), "example.org", rules);
  REQUIRE(judged);
  CHECK(choose_targets(*judged, 25, random_below).size() == 1);
}

TEST_CASE("answers without hosts are told apart") {
  Resolved none;
  none.outcome = DnsOutcome::no_such_domain;
  CHECK(status_of(none) == "5.1.2");
  none.outcome = DnsOutcome::no_data;
  CHECK(status_of(none) == "5.4.4");
  none.outcome = DnsOutcome::temporary;
  CHECK(status_of(none) == "4.4.3");
  CHECK(judge_answer(none, "example.org", rules).error().fate == Fate::deferred);
  CHECK(status_of(answer({})) == "4.4.3");
  CHECK(status_of(answer({host("a", 10, {})})) == "5.4.4");
  auto unknown = host("a", 10, {});
  unknown.temporary = true;
  CHECK(status_of(answer({unknown})) == "4.4.3");
  CHECK(status_of(answer({unknown, host("b", 20)})) == "ok");  // falls through to the next
}

TEST_CASE("a thousand hosts and addresses are bounded (DNS-05)") {
  std::vector<MxHost> hosts;
  for (int i = 0; i < 1000; ++i)
    hosts.push_back(host("h" + std::to_string(i), 10, std::vector<std::string>(100, "192.0.2.1")));
  const auto judged = judge_answer(answer(hosts), "example.org", rules);
  REQUIRE(judged);
  CHECK(choose_targets(*judged, 25, random_below).size() == max_targets);
}
