// What dialogues cannot say of the engine before login: octets at the wrong moment, answers that come late, the
// hand-over.
#include "pop3d/login/login_session.h"

#include <string>
#include <vector>

#include "../table_authenticator.h"
#include "catch.h"

using namespace facteur;
using namespace facteur::pop3d;
using login::Next;

namespace {

struct Fixture {
  explicit Fixture(bool cleartext = true) : session(auth, options(cleartext)) {
    session.on_change([this] { ++changes; });
    session.greet();
    greeting = session.take_output();
  }
  static login::Options options(bool cleartext) {
    login::Options options;
    options.hostname = "mail.example.test";
    options.tls_offered = true;
    options.cleartext_allowed = cleartext;
    return options;
  }
  std::string say(std::string_view octets) {
    session.feed(octets);
    return session.take_output();
  }

  TableAuthenticator auth{"alice", "secret"};
  int changes = 0;
  LoginSession session;
  std::string greeting;
};

}  // namespace

TEST_CASE("The greeting offers no APOP") {
  Fixture f;
  CHECK(f.greeting == "+OK mail.example.test Facteur POP3 ready\r\n");
  CHECK(f.session.next() == Next::input);
}

TEST_CASE("TLS-02, TLS-04: nothing may follow STLS in clear") {
  for (const auto* behind : {"USER alice\r\n", "NOO", "\n"}) {
    Fixture f;
    const auto said = f.say(std::string("STLS\r\n") + behind);
    INFO(behind);
    CHECK(said.starts_with("-ERR"));
    CHECK(f.session.next() == Next::close);
  }
}

TEST_CASE("TLS-03: octets between the reply to STLS and the handshake end the connection") {
  Fixture f;
  CHECK(f.say("STLS\r\n").starts_with("+OK"));
  CHECK(f.session.next() == Next::tls);
  CHECK(f.say("USER alice\r\n").empty());
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("A login waits for authd, and what is pipelined behind goes with the client") {
  Fixture f;
  CHECK(f.say("USER alice\r\nPASS secret\r\nSTAT\r\nRET") == "+OK Send PASS\r\n");
  CHECK(f.session.next() == Next::wait);
  CHECK(f.say("R 1\r\n").empty());
  CHECK(f.auth.turn());
  CHECK(f.changes == 1);
  REQUIRE(f.session.next() == Next::hand_over);
  CHECK(f.session.take_output().empty());
  const auto handover = f.session.handover();
  CHECK(handover.ticket == "ticket");
  CHECK(handover.user == "alice");
  CHECK(handover.rest == "STAT\r\nRETR 1\r\n");
}

TEST_CASE("When no worker can be had it is not called a wrong password") {
  Fixture f;
  f.session.feed("USER alice\r\nPASS secret\r\n");
  f.auth.turn();
  (void)f.session.take_output();
  (void)f.session.handover();
  f.session.handover_failed();
  const auto said = f.session.take_output();
  CHECK(said.starts_with("-ERR [SYS/TEMP]"));
  CHECK(said.find("UNAVAILABLE") != std::string::npos);
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("A user with too many sessions hears of the limit, not of a wrong password (RFC 2449 section 8.1.2)") {
  Fixture f;
  f.session.feed("USER alice\r\nPASS secret\r\nSTAT\r\n");
  f.auth.turn();
  (void)f.session.take_output();
  (void)f.session.handover();
  f.session.too_many_sessions("Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)");
  CHECK(f.session.take_output() ==
        "-ERR [IN-USE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)\r\n");
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("Commands pipelined behind a failed login are answered when authd has answered") {
  Fixture f;
  CHECK(f.say("USER alice\r\nPASS no\r\nNOOP\r\nQUIT\r\n") == "+OK Send PASS\r\n");
  CHECK(f.auth.turn());
  CHECK(f.session.take_output() == "-ERR [AUTH] Authentication failed\r\n+OK\r\n+OK Bye\r\n");
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("AUT-04: a client that goes away while authd thinks leaves nothing behind") {
  TableAuthenticator auth{"alice", "secret"};
  {
    LoginSession session(auth, Fixture::options(true));
    session.feed("AUTH PLAIN =\r\n");
  }
  CHECK(auth.turn());
}

TEST_CASE("Time over and shutting down") {
  Fixture f;
  SECTION("silent") {
    f.session.expire();
    CHECK(f.session.take_output().empty());
  }
  SECTION("with a word") {
    f.session.shut_down();
    CHECK(f.session.take_output().starts_with("-ERR [SYS/TEMP]"));
  }
  CHECK(f.session.next() == Next::close);
  CHECK(f.say("NOOP\r\n").empty());
}

TEST_CASE("A hundred commands without login are enough") {
  Fixture f;
  std::string many;
  for (int i = 0; i < 200; ++i) many += "NOOP\r\n";
  const auto said = f.say(many);
  CHECK(said.size() == 100 * 5 + std::string("-ERR Too many commands without login\r\n").size());
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("AUT-01: without TLS no password is read where it must not be") {
  Fixture f(false);
  CHECK(f.say("PASS secret\r\n").starts_with("-ERR"));
  CHECK(f.say("AUTH LOGIN\r\n").starts_with("-ERR"));
  CHECK_FALSE(f.auth.turn());
  CHECK(f.say("STLS\r\n").starts_with("+OK"));
  f.session.tls_started();
  CHECK(f.say("USER alice\r\n").starts_with("+OK"));
}
