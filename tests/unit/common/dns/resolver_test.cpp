#include "common/dns/resolver.h"

#include "catch.h"
#include "common/dns/hosts.h"
#include "fake_server.h"

using namespace facteur;
using namespace facteur::dns;
using namespace facteur::dns::test;

namespace {

/// Runs the loop until the answer is there or `limit` is over.
template <class T>
std::optional<T> await(loop::Loop& loop, const std::function<Ticket(std::function<void(T)>)>& ask,
                       Milliseconds limit = Milliseconds{5000}) {
  std::optional<T> answer;
  loop::Timer alarm(loop);
  alarm.start(limit, [&] { loop.stop(); });
  const Ticket ticket = ask([&](T value) {
    answer = std::move(value);
    loop.stop();
  });
  CHECK_FALSE(answer);  // never before the call returns
  loop.run();
  return answer;
}

Resolver::Options options_of(const FakeServer& server) {
  Resolver::Options options;
  options.servers = {server.address()};
  options.hosts.clear();
  options.timeout = Milliseconds{300};
  options.tries = 1;
  return options;
}

std::string name_for(loop::Loop& loop, Resolver& resolver, const char* ip) {
  return await<std::string>(loop, [&](auto callback) { return resolver.confirmed_name(*net::Ip::parse(ip), callback); })
      .value_or("nothing");
}

}  // namespace

TEST_CASE("a question is asked of the server of the settings, port included") {
  loop::Loop loop;
  FakeServer server(loop, [](const std::string& name, unsigned type, unsigned id) {
    return packet(name, type, 0, {mx(name, 77, 10, "Mail.x.org")}, {}, id);
  });
  const auto resolver = Resolver::create(loop, options_of(server));
  REQUIRE(resolver);
  const auto found = await<Found<Mx>>(loop, [&](auto callback) { return (*resolver)->mx("x.org", callback); });
  REQUIRE(found);
  CHECK(found->outcome == Outcome::found);
  CHECK(found->lifetime == Seconds{77});
  CHECK(found->items == std::vector<Mx>{{10, "mail.x.org"}});
}

TEST_CASE("no domain, no data, refusal, silence and rubbish are told apart") {
  loop::Loop loop;
  FakeServer server(loop, [](const std::string& name, unsigned type, unsigned id) -> std::string {
    if (name == "gone.x") return packet(name, type, 3, {}, {soa("x", 30, 40)}, id);
    if (name == "empty.x") return packet(name, type, 0, {}, {}, id);
    if (name == "refused.x") return packet(name, type, 5, {}, {}, id);
    if (name == "rubbish.x") return packet(name, type, 0, {mx(name, 1, 1, "a.x")}, {}, id).substr(0, 40);
    if (name == "other.x") return packet("another.x", type, 0, {mx("another.x", 1, 1, "a.x")}, {}, id);
    if (name == "wrongid.x") return packet(name, type, 0, {mx(name, 1, 1, "a.x")}, {}, id ^ 1U);
    return {};
  });
  const auto resolver = Resolver::create(loop, options_of(server));
  REQUIRE(resolver);
  const auto ask = [&](const char* name) {
    return await<Found<Mx>>(loop, [&](auto callback) { return (*resolver)->mx(name, callback); }).value().outcome;
  };
  CHECK(ask("gone.x") == Outcome::no_domain);
  CHECK(ask("empty.x") == Outcome::no_data);
  CHECK(ask("refused.x") == Outcome::temporary);
  CHECK(ask("rubbish.x") == Outcome::temporary);
  CHECK(ask("other.x") == Outcome::temporary);
  CHECK(ask("wrongid.x") == Outcome::temporary);
  CHECK(ask("silent.x") == Outcome::temporary);
  const int asked = server.asked;
  CHECK(ask("no\nname.x") == Outcome::no_domain);
  CHECK(server.asked == asked);
}

TEST_CASE("CMD-31: a client has a name only if the name leads back to it and is one") {
  loop::Loop loop;
  std::string ptr;
  FakeServer server(loop, [&](const std::string& name, unsigned type, unsigned id) -> std::string {
    if (type == 12) return packet(name, type, 0, {record(name, 12, 60, wire_name(ptr))}, {}, id);
    if (name == "slow.x.org") return {};
    return packet(name, type, 0,
                  {record(name, 1, 60, std::string(name == "liar.x.org" ? "\x0a\0\0\1" : "\xc0\0\2\1", 4))}, {}, id);
  });
  const auto resolver = Resolver::create(loop, options_of(server));
  REQUIRE(resolver);
  const auto name = [&](std::string of) {
    ptr = std::move(of);
    return name_for(loop, **resolver, "192.0.2.1");
  };
  CHECK(name("Good.x.org") == "good.x.org");
  CHECK(name("liar.x.org") == "unknown");
  CHECK(name("slow.x.org") == "unknown");
  for (const char* bad : {"a\nb.x.org", "a\"b.x.org", "%s%n.x.org", "a_b.x.org", "unknown", "192.0.2.1", "\x1b[2J.x"}) {
    CHECK(name(bad) == "unknown");
  }
}

TEST_CASE("without DNS every question is answered at once and for now") {
  loop::Loop loop;
  Resolver::Options options;
  options.off = true;
  options.hosts.clear();
  const auto resolver = Resolver::create(loop, options);
  REQUIRE(resolver);
  const auto mx = await<Found<Mx>>(loop, [&](auto callback) { return (*resolver)->mx("x.org", callback); });
  CHECK(mx.value().outcome == Outcome::temporary);
  CHECK(name_for(loop, **resolver, "192.0.2.1") == "unknown");
}

TEST_CASE("a withdrawn question is not answered, and a resolver goes with its questions open") {
  loop::Loop loop;
  bool answered = false;
  FakeServer server(loop, [](const std::string&, unsigned, unsigned) { return std::string(); });
  {
    const auto resolver = Resolver::create(loop, options_of(server));
    REQUIRE(resolver);
    const auto note = [&](const Found<Mx>&) { answered = true; };
    {
      const Ticket dropped = (*resolver)->mx("a.x", note);
    }
    const Ticket open = (*resolver)->mx("b.x", note);
    loop.turn();
  }
  loop::Timer alarm(loop);
  alarm.start(Milliseconds{50}, [&] { loop.stop(); });
  loop.run();
  CHECK_FALSE(answered);
}

TEST_CASE("the hosts file answers first, line by line, and its rubbish is passed over") {
  const Hosts hosts(
      "# comment\n127.0.0.1\tlocalhost  Box # me\n::1 localhost\nnot-an-ip x\n10.0.0.1 bad\x01name good.lan\n10.0.0.2");
  CHECK(hosts.addresses("BOX", true) == std::vector{*net::Ip::parse("127.0.0.1")});
  CHECK(hosts.addresses("localhost", false) == std::vector{*net::Ip::parse("::1")});
  CHECK(hosts.has("good.lan"));
  CHECK_FALSE(hosts.has("x"));
  CHECK(hosts.name_of(*net::Ip::parse("127.0.0.1")) == "localhost");
  CHECK(hosts.name_of(*net::Ip::parse("10.0.0.2")).empty());
}

TEST_CASE("a server that is no address is refused with its text") {
  loop::Loop loop;
  Resolver::Options options;
  options.servers = {"ns.example:53"};
  const auto resolver = Resolver::create(loop, options);
  REQUIRE_FALSE(resolver);
  CHECK(resolver.error().text.find("ns.example:53") != std::string::npos);
}
