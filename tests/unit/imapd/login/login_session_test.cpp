// What dialogues cannot say of the engine before login: octets at the wrong moment, answers that come late, the
// hand-over.
#include "imapd/login/login_session.h"

#include <string>

#include "../../pop3d/table_authenticator.h"
#include "catch.h"

using namespace facteur;
using namespace facteur::imapd;
using login::Next;

namespace {

struct Fixture {
  explicit Fixture(bool cleartext = true) : session(auth, options(cleartext)) {
    session.on_change([this] { ++changes; });
    session.greet();
    (void)session.take_output();
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

  pop3d::TableAuthenticator auth{"alice", "secret"};
  int changes = 0;
  LoginSession session;
};

}  // namespace

TEST_CASE("TLS-02, TLS-04: nothing may follow STARTTLS in clear") {
  for (const auto* behind : {"b LOGIN alice secret\r\n", "b NOO", "\n"}) {
    Fixture f;
    INFO(behind);
    CHECK(f.say(std::string("a STARTTLS\r\n") + behind) ==
          "a BAD Nothing may follow STARTTLS before the handshake\r\n* BYE Protocol error\r\n");
    CHECK(f.session.next() == Next::close);
  }
}

TEST_CASE("TLS-03: octets between the answer to STARTTLS and the handshake end the connection") {
  Fixture f;
  CHECK(f.say("a STARTTLS\r\n") == "a OK Begin TLS negotiation\r\n");
  CHECK(f.session.next() == Next::tls);
  CHECK(f.say("b NOOP\r\n").empty());
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("A login waits for authd, and what is pipelined behind goes with the client") {
  Fixture f;
  CHECK(f.say("a LOGIN alice secret\r\nb SELECT INBOX\r\nc FET").empty());
  CHECK(f.session.next() == Next::wait);
  CHECK(f.say("CH 1 UID\r\n").empty());
  CHECK(f.auth.turn());
  CHECK(f.changes == 1);
  REQUIRE(f.session.next() == Next::hand_over);
  CHECK(f.session.take_output().empty());
  const auto handover = f.session.handover();
  CHECK(handover.ticket == "ticket");
  CHECK(handover.user == "alice");
  CHECK(handover.tag == "a");
  CHECK(handover.rest == "b SELECT INBOX\r\nc FETCH 1 UID\r\n");
}

TEST_CASE("When no worker can be had it is not called a wrong password") {
  Fixture f;
  f.session.feed("a LOGIN alice secret\r\n");
  f.auth.turn();
  (void)f.session.handover();
  f.session.handover_failed();
  CHECK(f.session.take_output() ==
        "a NO [UNAVAILABLE] The mailboxes cannot be opened now; try again later\r\n* BYE Try again later\r\n");
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("A user with too many sessions hears of the limit, not of a wrong password (RFC 5530 section 3)") {
  Fixture f;
  f.session.feed("a LOGIN alice secret\r\nb SELECT INBOX\r\n");
  f.auth.turn();
  (void)f.session.handover();
  f.session.too_many_sessions("Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)");
  CHECK(f.session.take_output() ==
        "a NO [LIMIT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)\r\n"
        "* BYE Too many sessions\r\n");
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("Commands pipelined behind a failed login are answered when authd has answered") {
  Fixture f;
  CHECK(f.say("a LOGIN alice no\r\nb NOOP\r\nc LOGOUT\r\n").empty());
  CHECK(f.auth.turn());
  CHECK(f.session.take_output() ==
        "a NO [AUTHENTICATIONFAILED] Authentication failed\r\nb OK Nothing done\r\n* BYE Logging out\r\n"
        "c OK Logged out\r\n");
  CHECK(f.session.next() == Next::close);
}

TEST_CASE("AUT-04: a client that goes away while authd thinks leaves nothing behind") {
  pop3d::TableAuthenticator auth{"alice", "secret"};
  {
    LoginSession session(auth, Fixture::options(true));
    session.feed("a AUTHENTICATE PLAIN =\r\n");
  }
  CHECK(auth.turn());
}

TEST_CASE("Time over and shutting down are said") {
  Fixture f;
  SECTION("time over") {
    f.session.expire();
    CHECK(f.session.take_output() == "* BYE No login for too long\r\n");
  }
  SECTION("shutting down") {
    f.session.shut_down();
    CHECK(f.session.take_output() == "* BYE Server shutting down\r\n");
  }
  CHECK(f.session.next() == Next::close);
  CHECK(f.say("a NOOP\r\n").empty());
}

TEST_CASE("A hundred commands without login, or ten bad ones, are enough") {
  Fixture f;
  std::string many;
  for (int i = 0; i < 200; ++i) many += "a NOOP\r\n";
  CHECK(f.say(many).ends_with("a OK Nothing done\r\n* BYE Too many commands without login\r\n"));
  CHECK(f.session.next() == Next::close);
  Fixture g;
  std::string bad;
  for (int i = 0; i < 20; ++i) bad += "a XYZZY\r\n";
  CHECK(g.say(bad).ends_with("login first\r\n* BYE Too many bad commands\r\n"));
  CHECK(g.session.next() == Next::close);
}

TEST_CASE("AUT-01: without TLS no password is asked for, read or tried; what was said in clear is forgotten in TLS") {
  Fixture f(false);
  CHECK(f.say("a LOGIN alice {6}\r\n") == "a NO [PRIVACYREQUIRED] Not without TLS: send STARTTLS first\r\n");
  CHECK(f.say("a AUTHENTICATE PLAIN\r\n") == "a NO [PRIVACYREQUIRED] Not without TLS: send STARTTLS first\r\n");
  CHECK_FALSE(f.auth.turn());
  CHECK(f.say("b STARTTLS\r\n").starts_with("b OK"));
  f.session.tls_started();
  CHECK(f.say("c LOGIN alice secret\r\n").empty());
  CHECK(f.auth.turn());
  CHECK(f.session.next() == Next::hand_over);
}
