#include "catch.h"
#include "queue/bounce/plan.h"
#include "queue/daemon/attempt_results.h"
#include "queue/daemon/log_lines.h"
#include "queue/daemon/results.h"
#include "queue/daemon/routing.h"
#include "queue/schedule/next_hop.h"

using namespace facteur;
using namespace facteur::queue;
using namespace std::chrono_literals;

TEST_CASE("delays have the digits that count") {
  CHECK(show_delay(0ms) == "0");
  CHECK(show_delay(7ms) == "0.01");
  CHECK(show_delay(52ms) == "0.052");
  CHECK(show_delay(430ms) == "0.43");
  CHECK(show_delay(2340ms) == "2.3");
  CHECK(show_delay(9990ms) == "10");
  CHECK(show_delay(152400ms) == "152");
}

TEST_CASE("a delivery line is the one that pflogsumm reads") {
  Recipient recipient;
  recipient.number = 1;
  recipient.address = "far@away.org";
  recipient.original_address = "sales@minfo.sn";
  const RecipientResult result{1, Fate::failed, "5.1.1", "550 5.1.1 No such user", "mx.away.org[192.0.2.1]:25", true};
  CHECK(delivery_line("0123456789ab", recipient, result, {1000ms, 20ms, 300ms, 0ms}) ==
        "0123456789ab: to=<far@away.org>, orig_to=<sales@minfo.sn>, relay=mx.away.org[192.0.2.1]:25, delay=1.3, "
        "delays=1/0.02/0.3/0, dsn=5.1.1, status=bounced (550 5.1.1 No such user)");
}

TEST_CASE("results of peers are made sane") {
  const auto odd = sane({1, static_cast<Fate>(9), "2.0.0", "a\r\nb", "x", false});
  CHECK(odd.fate == Fate::deferred);
  CHECK(odd.status == "4.0.0");
  CHECK(odd.text == "a\\r\\nb");
  CHECK(sane({1, Fate::failed, "5.1.1", "", "", false}).status == "5.1.1");
  CHECK(sane({1, Fate::failed, "4.1.1", "", "", false}).status == "5.0.0");
  CHECK(sane({1, Fate::failed, "5.1.1.1", "", "", false}).status == "5.0.0");
  CHECK(one_line(std::string(5000, '\n')).size() == max_reason);
  CHECK(one_line("back\\slash") == "back\\slash");
}

TEST_CASE("answers are matched with what was asked") {
  const std::vector<std::uint32_t> numbers{3, 1};
  const auto results = match_results(numbers, {{1, Fate::delivered, "2.0.0", "", "", false}});
  REQUIRE(results);
  CHECK(results->size() == 2);
  CHECK(results->back().number == 3);
  CHECK(results->back().fate == Fate::deferred);
  CHECK_FALSE(match_results(numbers, {{2, Fate::delivered, "", "", "", false}}));
  CHECK_FALSE(match_results(numbers, {{1, Fate::delivered, "", "", "", false}, {1, Fate::failed, "", "", "", false}}));
}

TEST_CASE("next hops are read in Postfix's forms") {
  CHECK(parse_next_hop("relay.example", 25) == NextHop{"relay.example", 25, true, false});
  CHECK(parse_next_hop("[relay.example]:587", 25) == NextHop{"relay.example", 587, false, false});
  CHECK(parse_next_hop("[192.0.2.1]", 25) == NextHop{"192.0.2.1", 25, false, true});
  CHECK(parse_next_hop("[IPv6:2001:db8::1]:26", 25) == NextHop{"2001:db8::1", 26, false, true});
  CHECK(parse_next_hop("[2001:db8::1]", 25) == NextHop{"2001:db8::1", 25, false, true});
  for (const auto* text : {"relay.example:2525", "[relay.example]:2525"}) {
    CHECK(parse_next_hop(parse_next_hop(text, 25).key(), 25) == parse_next_hop(text, 25));
  }
  CHECK(is_lookup_name("a-b_c.example."));
  for (const auto* bad : {"", ".", "a..b", "a b", "a/b", "%s.org", "a\n.org", "\xff.org"})
    CHECK_FALSE(is_lookup_name(bad));
  CHECK_FALSE(is_lookup_name(std::string(64, 'a') + ".org"));
}

TEST_CASE("routing: ours, others', aliases once") {
  route::Tables tables;
  tables.domains = {"minfo.sn"};
  tables.aliases["jim"] = {{"jim", "backup"}, "", "aliases", 1};
  tables.aliases["self"] = {{"self"}, "", "aliases", 2};
  tables.aliases["a"] = {{"b"}, "", "aliases", 3};
  tables.aliases["b"] = {{"a"}, "", "aliases", 4};
  const Router router(tables);
  const auto decide = [&](std::string address, std::uint32_t parent = 0) {
    Recipient recipient;
    recipient.address = std::move(address);
    recipient.parent = parent;
    return router.decide(recipient);
  };
  CHECK(std::get<ToAccount>(decide("Alice@MINFO.sn")).account == "alice@minfo.sn");
  CHECK(std::get<ToDomain>(decide("x@Away.org")).domain == "away.org");
  CHECK(std::get<ToOthers>(decide("jim@minfo.sn")).addresses.size() == 2);
  CHECK(std::get<ToAccount>(decide("jim@minfo.sn", 1)).account == "jim@minfo.sn");
  CHECK(std::get<ToAccount>(decide("self@minfo.sn")).account == "self@minfo.sn");
  CHECK(std::get<NoWay>(decide("a@minfo.sn")).status == "5.4.6");
}

TEST_CASE("reports go to each reverse-path once, to postmaster instead of nobody, and never on") {
  Message message;
  for (std::uint32_t number = 1; number <= 4; ++number) {
    Recipient recipient;
    recipient.number = number;
    message.recipients.push_back({recipient, Standing::pending, {}, {}});
  }
  message.envelope.reverse_path = "jim@minfo.sn";
  message.recipients[1].recipient.notify = notify::never;
  message.recipients[2].recipient.has_owner = true;
  message.recipients[2].recipient.owner = "owner-list@minfo.sn";
  const std::vector<std::uint32_t> all{1, 2, 3, 4};
  const auto plans = plan_bounces(message, all, "postmaster@minfo.sn");
  REQUIRE(plans.size() == 2);
  CHECK(plans[0] == BouncePlan{"jim@minfo.sn", {1, 4}, false});
  CHECK(plans[1] == BouncePlan{"owner-list@minfo.sn", {3}, false});
  message.envelope.reverse_path = "";
  CHECK(plan_bounces(message, std::vector<std::uint32_t>{1}, "postmaster@minfo.sn") ==
        std::vector{BouncePlan{"postmaster@minfo.sn", {1}, true}});
  message.envelope.protocol = double_bounce_protocol;
  CHECK(plan_bounces(message, all, "postmaster@minfo.sn").empty());
}
