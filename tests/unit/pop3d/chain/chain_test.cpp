// From the first octet of a client to its last, through the login server and the worker, in the clear and with TLS.
#include <malloc.h>

#include "house.h"

using namespace facteur;
using namespace facteur::pop3d;

namespace {

const std::string credentials = "USER alice\r\nPASS secret\r\n";

std::string big(std::size_t octets) {
  std::string message = "Subject: big\r\n\r\n";
  while (message.size() < octets) message += "0123456789012345678901234567890123456789012345678901234567\r\n";
  return message;
}

void deliver(House& house, const std::string& octets) {
  auto inbox = *house.account->open("INBOX", false);
  store::NewMessage message;
  message.octets = octets;
  REQUIRE(inbox->append({&message, 1}));
}

}  // namespace

TEST_CASE("A session in the clear, TLS at once, and TLS on request") {
  House house;
  fill(*house.account, "three");
  const int way = GENERATE(0, 1, 2);
  Talker client(house.loop, way == 1 ? house.tls_port : house.clear_port);
  if (way == 1) client.tls();
  REQUIRE(house.heard(client, "+OK mail.example.test"));
  if (way == 2) {
    client.say("STLS\r\n");
    REQUIRE(house.heard(client, "Begin TLS"));
    client.tls();
    REQUIRE(house.until([&] { return client.connection->secure(); }));
  }
  // In one piece: what is behind PASS travels to the worker with the client.
  client.say(credentials + "STAT\r\nRETR 3\r\nDELE 1\r\nQUIT\r\n");
  REQUIRE(house.heard(client, "+OK Bye\r\n"));
  CHECK(house.closed(client));
  CHECK(client.heard.find("+OK 3 572\r\n+OK 147 octets\r\n") != std::string::npos);
  CHECK(house.account->status("INBOX")->messages == 2);
  REQUIRE(house.started.size() == 1);
  CHECK(house.started[0].tls == (way != 0));
  CHECK(house.started[0].client_ip == "127.0.0.1");
  client.connection.reset();
  CHECK(house.until([&] { return house.server->clients() == 0 && house.worker->sessions() == 0; }));
}

TEST_CASE("A long message arrives whole, and a client that does not read costs no memory") {
  House house;
  const auto message = big(30000000);
  deliver(house, message);
  const bool with_tls = GENERATE(false, true);
  Talker client(house.loop, with_tls ? house.tls_port : house.clear_port);
  if (with_tls) client.tls();
  REQUIRE(house.heard(client, "+OK mail"));
  client.say(credentials);
  REQUIRE(house.heard(client, "Mailbox open"));
  client.connection->pause();
  const auto before = ::mallinfo2().uordblks;
  client.say("RETR 1\r\nQUIT\r\n");
  // Nobody reads: after a while nothing moves any more, with little more than the sockets' buffers under way.
  for (int i = 0; i < 400; ++i) {
    house.loop.turn();
    ::usleep(500);
  }
  CHECK(::mallinfo2().uordblks < before + 2000000);
  client.connection->resume();
  REQUIRE(house.until([&] { return client.heard.ends_with("\r\n.\r\n+OK Bye\r\n"); }));
  CHECK(client.heard.find(message) != std::string::npos);
}

TEST_CASE("A client that closes its side gets the replies to all it had sent") {
  House house;
  fill(*house.account, "three");
  const bool with_tls = GENERATE(false, true);
  Talker client(house.loop, with_tls ? house.tls_port : house.clear_port);
  if (with_tls) client.tls();
  REQUIRE(house.heard(client, "+OK mail"));
  client.say(credentials);
  REQUIRE(house.heard(client, "Mailbox open"));
  client.say("RETR 2\r\nNOOP\r\nDELE 1\r\nSTAT\r\n");
  client.connection->finish_writing();
  CHECK(house.heard(client, "+OK 2 341\r\n"));
  CHECK(house.closed(client));
  CHECK(house.until([&] { return house.worker->sessions() == 0; }));
  CHECK(house.account->status("INBOX")->messages == 3);
}

TEST_CASE("AUT-10: authd dies, is silent, or gives no ticket: never a success, never a wrong password") {
  House house([](Settings& settings) { settings.auth_patience = Milliseconds{100}; });
  Talker client(house.loop, house.clear_port);
  REQUIRE(house.heard(client, "+OK mail"));
  SECTION("silent") {
    house.authd_silent = true;
    client.say(credentials);
    CHECK(house.heard(client, "-ERR [SYS/TEMP]"));
    CHECK(house.until([&] { return house.cancelled == 1; }));
  }
  SECTION("dead in the middle of an attempt") {
    house.authd_silent = true;
    client.say(credentials);
    REQUIRE(house.until([&] { return !house.started.empty(); }));
    house.authd.reset();
    CHECK(house.heard(client, "-ERR [SYS/TEMP]"));
  }
  SECTION("dead before") {
    house.authd.reset();
    client.say(credentials);
    CHECK(house.heard(client, "-ERR [SYS/TEMP]"));
  }
  SECTION("replaced between two steps") {
    client.say("AUTH PLAIN\r\n");
    REQUIRE(house.heard(client, "+ \r\n"));
    house.start_authd();
    client.say("AGFsaWNlAHNlY3JldA==\r\n");
    CHECK(house.heard(client, "-ERR [SYS/TEMP]"));
  }
  SECTION("without a ticket") {
    house.authd_gives_ticket = false;
    client.say(credentials);
    CHECK(house.heard(client, "-ERR [SYS/TEMP]"));
  }
  house.authd_silent = false;
  house.authd_gives_ticket = true;
  house.start_authd();
  client.say(credentials);
  CHECK(house.heard(client, "Mailbox open"));
}

TEST_CASE("When master has no worker the client hears of our fault") {
  House house;
  house.refusal = "of ours";
  const bool with_tls = GENERATE(false, true);
  Talker client(house.loop, with_tls ? house.tls_port : house.clear_port);
  if (with_tls) client.tls();
  REQUIRE(house.heard(client, "+OK mail"));
  client.say(credentials);
  CHECK(house.heard(client, "[UNAVAILABLE]"));
  CHECK(house.closed(client));
  client.connection.reset();
  CHECK(house.until([&] { return house.server->clients() == 0; }));
}

TEST_CASE("A user with too many sessions hears authd's words") {
  House house;
  house.refusal = "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=2)";
  house.master_refuses_with = master::Admission::crowded;
  const bool with_tls = GENERATE(false, true);
  Talker client(house.loop, with_tls ? house.tls_port : house.clear_port);
  if (with_tls) client.tls();
  REQUIRE(house.heard(client, "+OK mail"));
  client.say(credentials);
  CHECK(house.heard(client, "-ERR [IN-USE] " + house.refusal + "\r\n"));
  CHECK(house.closed(client));
  client.connection.reset();
  CHECK(house.until([&] { return house.server->clients() == 0; }));
}

TEST_CASE("The place of a session is free before its client has read the last words, and with each other end") {
  House house;
  auto pair = *ipc::make_pair();
  house.place = std::move(pair.second);
  const auto is_free = [&] {
    char octet = 0;
    return ::recv(pair.first.get(), &octet, 1, MSG_DONTWAIT) == 0;
  };
  const bool with_tls = GENERATE(false, true);
  Talker client(house.loop, with_tls ? house.tls_port : house.clear_port);
  if (with_tls) client.tls();
  REQUIRE(house.heard(client, "+OK mail"));
  SECTION("QUIT") {
    client.say(credentials);
    REQUIRE(house.heard(client, "Mailbox open"));
    CHECK_FALSE(is_free());
    client.say("QUIT\r\n");
    REQUIRE(house.heard(client, "+OK Bye\r\n"));
    CHECK(is_free());
  }
  SECTION("the client is gone") {
    client.say(credentials);
    REQUIRE(house.heard(client, "Mailbox open"));
    CHECK_FALSE(is_free());
    client.connection.reset();
    CHECK(house.until(is_free));
  }
  SECTION("the worker takes no more") {
    house.worker->shut_down();
    client.say(credentials);
    REQUIRE(house.heard(client, "[UNAVAILABLE]"));
    CHECK(is_free());
  }
}

TEST_CASE("AUT-04: clients that leave at every point of a login leave nothing behind") {
  House house;
  house.authd_silent = true;
  for (const std::string said : {"", "US", "USER alice\r\n", "USER alice\r\nPASS secret\r\n", "AUTH PLAIN\r\n",
                                 "STLS\r\n", "STLS\r\n\x16\x03\x01"}) {
    Talker client(house.loop, house.clear_port);
    client.say(said);
    REQUIRE(house.heard(client, "+OK mail"));
    for (int i = 0; i < 20; ++i) house.loop.turn();
    client.connection.reset();
    house.authd->send(
        auth::SaslReply{house.started.size(), auth::SaslOutcome::success, "", "alice", "0123456789abcdef", ""});
  }
  Talker hasty(house.loop, house.tls_port);
  hasty.say("GET / HTTP/1.1\r\n\r\n");
  CHECK(house.closed(hasty));
  hasty.connection.reset();
  house.start_authd();
  CHECK(house.until([&] { return house.server->clients() == 0; }));
}

TEST_CASE("TLS-03: what comes in clear between the reply to STLS and the handshake is never answered") {
  House house;
  Talker client(house.loop, house.clear_port);
  REQUIRE(house.heard(client, "+OK mail"));
  client.say("STLS\r\n");
  REQUIRE(house.heard(client, "Begin TLS"));
  client.heard.clear();
  client.say("USER alice\r\nPASS secret\r\n");
  CHECK(house.closed(client));
  CHECK(client.heard.find("+OK") == std::string::npos);
  CHECK(house.started.empty());
}

TEST_CASE("Time for the handshake and for the login is bounded") {
  House house([](Settings& settings) {
    settings.client.login_time = Seconds{1};
    settings.client.handshake_time = Seconds{1};
  });
  Talker silent(house.loop, house.clear_port);
  Talker never(house.loop, house.tls_port);
  CHECK(house.closed(silent));
  CHECK(house.closed(never));
}

TEST_CASE("Idle clients make room for others; TLS sessions fill a process") {
  House house([](Settings& settings) { settings.most_sessions = 2; });
  Talker first(house.loop, house.clear_port);
  REQUIRE(house.heard(first, "+OK mail"));
  Talker second(house.loop, house.clear_port);
  REQUIRE(house.heard(second, "+OK mail"));
  Talker third(house.loop, house.clear_port);
  REQUIRE(house.heard(third, "+OK mail"));
  CHECK(house.closed(first));
  CHECK_FALSE(second.closed);

  Talker a(house.loop, house.tls_port);
  a.tls();
  a.say("");
  REQUIRE(house.heard(a, "+OK mail"));
  a.say(credentials);
  REQUIRE(house.heard(a, "Mailbox open"));
  CHECK(house.full == 0);
  Talker b(house.loop, house.tls_port);
  b.tls();
  REQUIRE(house.heard(b, "+OK mail"));
  b.say(credentials);
  REQUIRE(house.heard(b, "Mailbox open"));
  CHECK(house.until([&] { return house.full == 1; }));
  CHECK_FALSE(house.login_ended);
  second.connection.reset();
  third.connection.reset();
  for (auto* client : {&a, &b}) {
    client->say("QUIT\r\n");
    CHECK(house.heard(*client, "+OK Bye"));
    CHECK(house.closed(*client));
    client->connection.reset();
  }
  CHECK(house.until([&] { return house.login_ended; }));
}

TEST_CASE("One session a process: full with the first client") {
  House house([](Settings& settings) { settings.most_sessions = 1; });
  Talker client(house.loop, house.clear_port);
  REQUIRE(house.heard(client, "+OK mail"));
  CHECK(house.until([&] { return house.full == 1; }));
  client.say(credentials);
  CHECK(house.heard(client, "Mailbox open"));
  CHECK(house.until([&] { return house.login_ended; }));
}

TEST_CASE("A worker that is about to end takes nobody: the client hears it from the login process") {
  House house;
  house.worker->shut_down();
  for (const bool tls : {false, true}) {
    Talker client(house.loop, tls ? house.tls_port : house.clear_port);
    if (tls) client.tls();
    REQUIRE(house.heard(client, "+OK mail"));
    client.say(credentials);
    CHECK(house.heard(client, "-ERR [SYS/TEMP]"));
    CHECK(house.closed(client));
  }
}

TEST_CASE("The worker is gone: its TLS client sees the end, in the middle of a line") {
  House house;
  house.caught.emplace();
  Talker client(house.loop, house.tls_port);
  client.tls();
  REQUIRE(house.heard(client, "+OK mail"));
  client.say(credentials);
  REQUIRE(house.until([&] { return static_cast<bool>(*house.caught); }));
  REQUIRE(::write(house.caught->get(), "+OK half", 8) == 8);
  house.caught->reset();
  CHECK(house.heard(client, "+OK half"));
  CHECK(house.closed(client));
}

TEST_CASE("Going down: clients without login and sessions are told") {
  House house;
  Talker waiting(house.loop, house.clear_port);
  REQUIRE(house.heard(waiting, "+OK mail"));
  Talker reading(house.loop, house.tls_port);
  reading.tls();
  REQUIRE(house.heard(reading, "+OK mail"));
  reading.say(credentials + "DELE 1\r\n");
  REQUIRE(house.heard(reading, "Mailbox open"));
  house.server->shut_down();
  house.worker->shut_down();
  CHECK(house.heard(waiting, "-ERR [SYS/TEMP]"));
  CHECK(house.heard(reading, "-ERR [SYS/TEMP]"));
  CHECK(house.closed(waiting));
  CHECK(house.closed(reading));
  waiting.connection.reset();
  reading.connection.reset();
  CHECK(house.until([&] { return house.login_ended && house.worker_ended; }));
}

TEST_CASE("An idle worker asks whether it may end, with the sessions it has seen") {
  House house;
  Talker client(house.loop, house.clear_port);
  REQUIRE(house.heard(client, "+OK mail"));
  client.say(credentials + "QUIT\r\n");
  CHECK(house.heard(client, "Bye"));
  client.connection.reset();
  CHECK(house.until([&] { return house.worker->sessions() == 0; }));
  house.worker->set_idle_time(Seconds{0});
  REQUIRE(house.until([&] { return !house.end_questions.empty(); }));
  CHECK(house.end_questions[0].sessions_seen == 1);
  CHECK_FALSE(house.worker_ended);
  house.to_worker->send(master::MayEnd{});
  CHECK(house.until([&] { return house.worker_ended; }));
}
