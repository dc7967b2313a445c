// The relay rules, each with its decision record.
#include "smtpd/policy/policy.h"

#include <catch.h>

using namespace facteur;
using namespace facteur::smtpd;

namespace {

Rules make_rules() {
  Rules made;
  made.tables.domains = {"our.test", "other.our.test"};
  made.tables.delimiters = "+";
  made.tables.aliases["sales"] = {{"alice", "x@far.example"}, "", "/etc/aliases", 7};
  made.tables.aliases["broken"] = {{}, "programs are refused", "/etc/aliases", 8};
  made.tables.aliases["loop"] = {{"pool"}, "", "/etc/aliases", 9};
  made.tables.aliases["pool"] = {{"loop"}, "", "/etc/aliases", 10};
  made.hostname = "mx.our.test";
  made.own_addresses = {*net::Ip::parse("198.51.100.1"), *net::Ip::parse("2001:db8::25")};
  made.tables.postmaster = "alice";
  return made;
}
const Rules rules = make_rules();

RecipientFacts facts(std::string local_part, std::string domain) {
  RecipientFacts made;
  made.client.ip = *net::Ip::parse("192.0.2.7");
  made.client.local_ip = *net::Ip::parse("198.51.100.1");
  made.recipient = {std::move(local_part), std::move(domain)};
  return made;
}

}  // namespace

TEST_CASE("mail for us wants a mailbox, from anyone") {
  auto asked = facts("alice", "Our.TEST");
  CHECK(judge_recipient(asked, rules).action == Action::look_up);
  asked.mailbox = Mailbox::exists;
  CHECK(judge_recipient(asked, rules).action == Action::accept);
  asked.mailbox = Mailbox::temporary;
  CHECK(judge_recipient(asked, rules).reply.code == 451);
  asked.mailbox = Mailbox::unknown;
  const auto refused = judge_recipient(asked, rules);
  CHECK(refused.reply.line() ==
        "550 5.1.1 <alice@Our.TEST>: Recipient address rejected: User unknown in local recipient table");
  CHECK(refused.explain().starts_with("local_recipient: reject 550 5.1.1"));
  CHECK(refused.explain().contains("; domain=Our.TEST, client=192.0.2.7, login=, "));
}

TEST_CASE("an unknown mailbox is refused to everybody, also to who may relay") {
  auto asked = facts("nobody", "our.test");
  asked.mailbox = Mailbox::unknown;
  asked.client.login = "alice@our.test";
  CHECK(judge_recipient(asked, rules).reply.code == 550);
}

TEST_CASE("mail for elsewhere wants a right") {
  auto asked = facts("u", "other.example");
  CHECK(judge_recipient(asked, rules).reply.line() == "554 5.7.1 <u@other.example>: Relay access denied");
  asked.client.in_mynetworks = true;
  CHECK(judge_recipient(asked, rules).rule == "permit_mynetworks");
  asked.client.in_mynetworks = false;
  CHECK(judge_recipient(asked, rules).action == Action::reject);
  asked.client.login = "alice@our.test";
  CHECK(judge_recipient(asked, rules).rule == "permit_sasl_authenticated");
  asked.client = {};
  asked.client.role = Role::local;
  CHECK(judge_recipient(asked, rules).rule == "permit_local_user");
}

TEST_CASE("REL-03: nothing in a local part leads elsewhere, nothing like our domain is ours") {
  for (const char* local : {"u%other.example", "other.example!u", "u@other.example", "@x:u"}) {
    CHECK(judge_recipient(facts(local, "our.test"), rules).action == Action::look_up);
    CHECK(judge_recipient(facts(local, "x.example"), rules).action == Action::reject);
  }
  for (const char* domain : {"xour.test", "our.test.x", "sub.our.test", "our.test.", "[192.0.2.7]", "[IPv6:::1]"}) {
    CHECK(judge_recipient(facts("u", domain), rules).action == Action::reject);
  }
}

TEST_CASE("what ends here is told apart: its local-part has no case") {
  auto named = facts("Alice", "our.test");
  named.mailbox = Mailbox::exists;
  CHECK(judge_recipient(named, rules).ours);
  CHECK(judge_recipient(facts("POSTMASTER", "our.test"), rules).ours);
  auto relayed = facts("Alice", "far.example");
  relayed.client.login = "bob";
  CHECK(judge_recipient(relayed, rules).action == Action::accept);
  CHECK_FALSE(judge_recipient(relayed, rules).ours);
}

TEST_CASE("CMD-18: literals") {
  CHECK(is_ours({"u", "[198.51.100.1]"}, *net::Ip::parse("198.51.100.1"), rules));
  CHECK(is_ours({"u", "[IPv6:::ffff:198.51.100.1]"}, *net::Ip::parse("198.51.100.1"), rules));
  CHECK(is_ours({"u", "[ipv6:2001:db8:0::1]"}, *net::Ip::parse("2001:db8::1"), rules));
  CHECK(!is_ours({"u", "[2001:db8::1]"}, *net::Ip::parse("2001:db8::1"), rules));
  CHECK(!is_ours({"u", "[198.51.100.2]"}, *net::Ip::parse("198.51.100.1"), rules));
  // Another address of ours than that of the connection, in either family.
  CHECK(is_ours({"u", "[IPv6:2001:db8::25]"}, *net::Ip::parse("198.51.100.1"), rules));
  CHECK(is_ours({"u", "[198.51.100.1]"}, *net::Ip::parse("2001:db8::25"), rules));
  CHECK(!is_ours({"u", "[2001:db8::25]"}, *net::Ip::parse("198.51.100.1"), rules));
  CHECK(!is_ours({"u", "[IPv6:2001:db8::26]"}, *net::Ip::parse("198.51.100.1"), rules));
  CHECK(is_ours({"u", ""}, {}, rules));
}

TEST_CASE("postmaster is always taken for us, and only for us") {
  CHECK(judge_recipient(facts("PostMaster", "our.test"), rules).rule == "postmaster");
  CHECK(judge_recipient(facts("postmaster", ""), rules).rule == "postmaster");
  CHECK(judge_recipient(facts("postmaster", "other.example"), rules).action == Action::reject);
}

TEST_CASE("submission wants a login before MAIL") {
  ClientFacts client;
  CHECK(judge_sender(client).action == Action::accept);
  client.role = Role::submission;
  CHECK(judge_sender(client).reply.line() == "530 5.7.0 Authentication required");
  client.login = "alice@our.test";
  CHECK(judge_sender(client).action == Action::accept);
}

TEST_CASE("an alias of its own name needs the account of that name") {
  auto with_self = rules;
  with_self.tables.aliases["self"] = {{"self"}, "", "/etc/aliases", 11};
  with_self.tables.aliases["literal"] = {{"\\literal"}, "", "/etc/aliases", 12};
  for (const auto* name : {"self", "literal"}) {
    auto asked = facts(name, "our.test");
    CHECK(judge_recipient(asked, with_self).action == Action::look_up);
    asked.mailbox = Mailbox::unknown;
    CHECK(judge_recipient(asked, with_self).reply.line().starts_with("550 5.1.1"));
    asked.mailbox = Mailbox::exists;
    CHECK(judge_recipient(asked, with_self).action == Action::accept);
  }
}

TEST_CASE("aliases and details") {
  CHECK(judge_recipient(facts("sales", "our.test"), rules).rule == "alias");
  CHECK(judge_recipient(facts("sales", "our.test"), rules).explain().contains("/etc/aliases:7"));
  CHECK(judge_recipient(facts("broken", "our.test"), rules).reply.code == 451);
  CHECK(judge_recipient(facts("loop", "our.test"), rules).reply.enhanced == "5.4.6");
  const auto detail = judge_recipient(facts("alice+lists", "other.our.test"), rules);
  CHECK(detail.action == Action::look_up);
  CHECK(detail.account == "alice@other.our.test");
  CHECK(judge_recipient(facts("alice", "[198.51.100.1]"), rules).account == "alice@our.test");
}

TEST_CASE("mail for postmaster that nobody would read waits") {
  auto nobody = rules;
  nobody.tables.postmaster_problem = "postmaster_address: there is no account boss@our.test";
  for (const auto* domain : {"our.test", "", "mx.our.test"}) {
    CHECK(judge_recipient(facts("postmaster", domain), nobody).reply.code == 451);
  }
  nobody.tables.aliases["postmaster"] = {{"alice"}, "", "/etc/aliases", 1};
  CHECK(judge_recipient(facts("postmaster", "our.test"), nobody).action == Action::accept);
}

TEST_CASE("our own address as a literal, and postmaster at our own name, end in our first domain") {
  auto literal = facts("alice", "[198.51.100.1]");
  CHECK(judge_recipient(literal, rules).account == "alice@our.test");
  literal.mailbox = Mailbox::exists;
  CHECK(judge_recipient(literal, rules).domain == "our.test");
  CHECK(judge_recipient(facts("postmaster", "[198.51.100.1]"), rules).domain == "our.test");
  CHECK(judge_recipient(facts("postmaster", "other.our.test"), rules).domain.empty());
  for (const char* name : {"postmaster", "Mailer-Daemon"}) {  // RFC 5321 section 4.5.1
    const auto decision = judge_recipient(facts(name, "MX.our.test"), rules);
    CHECK(decision.action == Action::accept);
    CHECK(decision.domain == "our.test");
  }
  CHECK(judge_recipient(facts("alice", "mx.our.test"), rules).reply.code == 554);
}
