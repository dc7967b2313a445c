// The SASL exchange against a scripted authenticator: base64, cancelling, lengths, and answers that come late or never.
#include "common/login/sasl_exchange.h"

#include <deque>
#include <vector>

#include "catch.h"
#include "common/base/encode.h"
#include "common/login/limits.h"

using namespace facteur;
using namespace facteur::login;
using Type = SaslEvent::Type;

namespace {

/// Answers each question when told to, with what it is told.
class Script : public Authenticator {
 public:
  Ticket start(std::string_view mechanism, std::optional<std::string> initial, Callback callback) override {
    asked.push_back(std::string(mechanism) + ":" + initial.value_or("(none)"));
    return question(std::move(callback));
  }
  Ticket step(std::string response, Callback callback) override {
    asked.push_back("step:" + response);
    return question(std::move(callback));
  }
  void cancel() override { ++cancelled; }
  void say(Verdict verdict) { answer(std::move(verdict)); }

  std::vector<std::string> asked;
  Answer<Verdict> answer;
  int cancelled = 0;

 private:
  Ticket question(Callback callback) {
    auto [ticket, reply] = ask<Verdict>(std::move(callback));
    answer = std::move(reply);
    return std::move(ticket);
  }
};

struct Fixture {
  Script script;
  std::vector<SaslEvent> events;
  SaslExchange exchange{script, [this](SaslEvent event) { events.push_back(std::move(event)); }};
};

}  // namespace

TEST_CASE("An initial response is decoded and granted") {
  Fixture f;
  CHECK_FALSE(f.exchange.start("plain", base64_encode(std::string("\0jim\0pw", 7))));
  CHECK(f.exchange.waiting());
  CHECK(f.script.asked.at(0) == std::string("PLAIN:\0jim\0pw", 13));
  f.script.say(Granted{"ticket", "jim", {}});
  REQUIRE(f.events.size() == 1);
  CHECK(f.events[0].type == Type::granted);
  CHECK(f.events[0].granted.ticket == "ticket");
  CHECK_FALSE(f.exchange.waiting());
  CHECK(f.script.cancelled == 0);
}

TEST_CASE("An empty initial response is not a missing one") {
  Fixture f;
  CHECK_FALSE(f.exchange.start("PLAIN", "="));
  CHECK(f.script.asked.at(0) == "PLAIN:");
  f.script.say(Denied{});
  CHECK_FALSE(f.exchange.start("PLAIN", std::nullopt));
  CHECK(f.script.asked.at(1) == "PLAIN:(none)");
}

TEST_CASE("Challenges travel in base64 and answers come back") {
  Fixture f;
  CHECK_FALSE(f.exchange.start("LOGIN", std::nullopt));
  f.script.say(Challenge{"User Name"});
  REQUIRE(f.events.size() == 1);
  CHECK(f.events[0].challenge == "VXNlciBOYW1l");
  CHECK(f.exchange.expects_line());
  CHECK_FALSE(f.exchange.line("amlt"));
  CHECK(f.script.asked.at(1) == "step:jim");
  CHECK_FALSE(f.exchange.expects_line());
  f.script.say(Unavailable{});
  CHECK(f.events[1].type == Type::unavailable);
}

TEST_CASE("AUT-02: cancelled and malformed lines end the exchange") {
  const std::string longest(max_sasl_line - 4, 'A');
  struct Case {
    std::string line;
    std::optional<Type> expected;
  };
  const std::vector<Case> cases{{"*", Type::cancelled},
                                {"=", Type::malformed},
                                {"a", Type::malformed},
                                {"YQ==\t", Type::malformed},
                                {"Y Q=", Type::malformed},
                                {"YR==", Type::malformed},
                                {"\xff\xfe", Type::malformed},
                                {"", std::nullopt},
                                {longest + "AA", Type::malformed},
                                {longest.substr(0, 12284), std::nullopt}};
  for (const auto& c : cases) {
    Fixture f;
    CHECK_FALSE(f.exchange.start("X", std::nullopt));
    f.script.say(Challenge{});
    const auto event = f.exchange.line(c.line);
    INFO(c.line.substr(0, 20));
    CHECK(event.has_value() == c.expected.has_value());
    if (event && c.expected) CHECK(event->type == *c.expected);
    CHECK(f.script.cancelled == (c.expected ? 1 : 0));
  }
}

TEST_CASE("A bad mechanism name or initial response never reaches the authenticator") {
  Fixture f;
  for (const std::string mechanism : {"", "PL AIN", "PLAIN\n", "ABCDEFGHIJKLMNOPQRSTU", "\xc3\xa9", "../x"}) {
    CHECK(f.exchange.start(mechanism, std::nullopt)->type == Type::malformed);
  }
  CHECK(f.exchange.start("PLAIN", "")->type == Type::malformed);
  CHECK(f.exchange.start("PLAIN", "===")->type == Type::malformed);
  CHECK(f.script.asked.empty());
}

TEST_CASE("AUT-03: a thousand exchanges of changing mechanisms on one connection") {
  Fixture f;
  for (int i = 0; i < 1000; ++i) {
    CHECK_FALSE(f.exchange.start("CRAM-MD5", std::nullopt));
    f.script.say(Challenge{"<1@x>"});
    CHECK(f.exchange.line("*")->type == Type::cancelled);
    CHECK_FALSE(f.exchange.start("PLAIN", "="));
    f.script.say(Denied{});
  }
  CHECK(f.script.cancelled == 1000);
}

TEST_CASE("The mechanism's last octets are acknowledged before the login counts") {
  Fixture f;
  CHECK_FALSE(f.exchange.start("SCRAM-SHA-256", "YQ=="));
  f.script.say(Granted{"t", "jim", "v=1"});
  CHECK(f.events.at(0).type == Type::challenge);
  SECTION("by an empty line") {
    const auto event = f.exchange.line("");
    REQUIRE(event);
    CHECK(event->type == Type::granted);
    CHECK(event->granted.ticket == "t");
  }
  SECTION("or it does not count") {
    CHECK(f.exchange.line("YQ==")->type == Type::malformed);
    CHECK(f.script.cancelled == 1);
  }
}

TEST_CASE("AUT-04: a connection that ends inside an exchange withdraws the question") {
  Script script;
  int events = 0;
  {
    SaslExchange exchange(script, [&](const SaslEvent&) { ++events; });
    CHECK_FALSE(exchange.start("PLAIN", "="));
  }
  script.say(Granted{"t", "jim", {}});
  CHECK(events == 0);
  CHECK(script.cancelled == 1);
}

TEST_CASE("A name or password with NUL has no PLAIN message") {
  CHECK(plain_message("jim", "p w") == std::string("\0jim\0p w", 8));
  CHECK(plain_message("jim", "") == std::string("\0jim\0", 5));
  CHECK_FALSE(plain_message("", "pw"));
  CHECK_FALSE(plain_message(std::string("a\0b", 3), "pw"));
  CHECK_FALSE(plain_message("jim", std::string("p\0w", 3)));
}
