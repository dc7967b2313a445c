// Whole connections over loopback: greeting, logins, TLS, deadlines, half close, and doors that break in between.
#include "smtpd/server/client.h"

#include <arpa/inet.h>
#include <catch.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/base/encode.h"
#include "common/fs/files.h"
#include "peers.h"
#include "smtpd/server/judge.h"
#include "smtpd/server/queue_door.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;

namespace {

struct Fixture {
  FailingFiles files;  // before the loop: abandoned slots are cut while the loop is destroyed
  loop::Loop loop;
  FakeQueued queued{loop};
  FakeAuthd authd{loop};
  AuthDoor auth_door{loop};
  Judge judge{loop, auth_door, config::Settings{}};
  QueueDoor queue_door{loop, files};
  Surroundings around{loop, nullptr, auth_door, judge, queue_door};
  std::shared_ptr<Listener> listener = std::make_shared<Listener>();
  std::unique_ptr<Client> client;
  Fd socket;
  std::string said;

  Fixture() {
    listener->limits.hostname = listener->open_limits.hostname = "mx.our.test";
    listener->limits.sasl_mechanisms = {"PLAIN"};
    listener->limits.plaintext_auth = true;
    auth_door.on_tables([this](route::Tables tables) { judge.set_tables(std::move(tables)); });
    auth_door.connect(authd.connect());
    queue_door.connect(queued.connect());
    authd.send_tables();
    REQUIRE(turn_until(loop, [this] { return judge.ready(); }));
  }
  void connect() {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    socket = Fd(pair[0]);
    ClientFacts facts;
    facts.ip = *net::Ip::parse("192.0.2.7");
    facts.role = listener->role;
    client = std::make_unique<Client>(around, listener, Fd(pair[1]), facts, [this] { client.reset(); });
    client->start();
  }
  void send(std::string_view octets) {
    while (!octets.empty()) {
      const auto count = ::send(socket.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (count > 0) octets.remove_prefix(static_cast<std::size_t>(count));
      loop.turn();
    }
  }
  void receive() {
    char buffer[65536];
    const auto count = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (count > 0) said.append(buffer, static_cast<std::size_t>(count));
  }
  /// True when the server has said `text`.
  bool hears(std::string_view text) {
    return turn_until(loop, [&] {
      receive();
      return said.contains(text);
    });
  }
  bool closes() {
    return turn_until(loop, [this] {
      receive();
      return !client;
    });
  }
};

constexpr std::string_view message = "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<alice@our.test>\r\nDATA\r\nhi\r\n.\r\n";

}  // namespace

TEST_CASE("a message from connect to queue") {
  Fixture f;
  f.connect();
  REQUIRE(f.hears("220 mx.our.test ESMTP Facteur\r\n"));
  f.send(message);
  REQUIRE(f.hears("250 2.0.0 Ok: queued as Qid"));
  REQUIRE(f.queued.kept.size() == 1);
  CHECK(f.queued.kept[0].octets.ends_with("\r\n\r\nhi\r\n"));
  CHECK(f.queued.kept[0].octets.starts_with("Received: from c (unknown [192.0.2.7])\r\n"));
  f.send("QUIT\r\n");
  REQUIRE(f.hears("221 2.0.0 Bye\r\n"));
  f.socket.reset();
  CHECK(turn_until(f.loop, [&] { return !f.client; }));
}

TEST_CASE("CMD-24: the client closes its side behind the end of data") {
  Fixture f;
  f.connect();
  f.send(message);
  ::shutdown(f.socket.get(), SHUT_WR);
  CHECK(f.hears("250 2.0.0 Ok: queued as Qid"));
  CHECK(f.closes());
  CHECK(f.queued.kept.size() == 1);
}

TEST_CASE("the connection breaks before the end of data: nothing is kept") {
  Fixture f;
  f.connect();
  f.send(message.substr(0, message.size() - 3));
  REQUIRE(f.hears("354 "));
  f.socket.reset();
  CHECK(turn_until(f.loop, [&] { return !f.client && !f.queued.discarded.empty(); }));
  CHECK(f.queued.kept.empty());
  CHECK(f.queued.discarded.begin()->second == 0);
}

TEST_CASE("AUTH through authd; another request's success is none (AUT-10)") {
  Fixture f;
  f.connect();
  const std::string good = base64_encode(std::string("\0alice\0secret", 13));
  f.send("EHLO c\r\nAUTH PLAIN " + base64_encode(std::string("\0alice\0wrong", 12)) + "\r\n");
  REQUIRE(f.hears("535 5.7.8"));
  CHECK(f.authd.last.client_ip == "192.0.2.7");
  f.authd.silent = true;
  f.send("AUTH PLAIN " + good + "\r\n");
  REQUIRE(turn_until(f.loop, [&] { return f.authd.last.id == 2; }));
  f.authd.send_wrong_id(77);
  f.loop.turn();
  f.authd.die();
  REQUIRE(f.hears("454 4.7.0"));
  f.auth_door.connect(f.authd.connect());
  f.authd.silent = false;
  f.send("AUTH PLAIN " + good + "\r\n");
  REQUIRE(f.hears("235 2.7.0"));
  f.send("MAIL FROM:<a@b.c>\r\nRCPT TO:<x@other.example>\r\n");
  CHECK(f.hears("250 2.1.5"));
}

TEST_CASE("an authd that sends garbage loses its door, not smtpd") {
  Fixture f;
  f.connect();
  f.authd.silent = true;
  f.send("EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<alice@our.test>\r\n");
  REQUIRE(f.hears("250 2.1.0"));
  f.authd.send_garbage();
  CHECK(f.hears("451 4.3.0 <alice@our.test>: Temporary lookup failure"));
}

TEST_CASE("queued dies between end of data and its answer: 451, and the client may try again") {
  Fixture f;
  f.queued.silent = true;
  f.connect();
  f.send(message);
  REQUIRE(f.hears("354 "));
  REQUIRE(turn_until(f.loop, [&] { return f.files.syncs == 1; }));
  f.queued.die();
  REQUIRE(f.hears("451 4.3.0 Error: queue file write error"));
  f.queued.silent = false;
  f.queue_door.connect(f.queued.connect());
  f.send(message);
  CHECK(f.hears("250 2.0.0 Ok: queued as"));
}

TEST_CASE("a client that says nothing is sent away after smtpd_timeout") {
  Fixture f;
  f.listener->limits.timeout = Seconds{1};
  f.connect();
  f.send("EHL");
  CHECK(f.hears("421 4.4.2 mx.our.test Error: timeout exceeded\r\n"));
  CHECK(f.closes());
}

TEST_CASE("TLS-08: garbage instead of a ClientHello ends the connection") {
  Fixture f;
  const auto pair = tls::make_self_signed("mx.our.test");
  REQUIRE(pair);
  const std::string base = "/tmp/smtpd-client-test-" + std::to_string(::getpid());
  REQUIRE(fs::replace_file(base + ".pem", pair->certificate, 0600));
  REQUIRE(fs::replace_file(base + ".key", pair->key, 0600));
  auto context = tls::Context::server(base + ".pem", base + ".key");
  ::unlink((base + ".pem").c_str());
  ::unlink((base + ".key").c_str());
  REQUIRE(context);
  f.listener->tls = *context;
  f.listener->limits.tls_available = true;
  f.connect();
  f.send("EHLO c\r\nSTARTTLS\r\n");
  REQUIRE(f.hears("220 2.0.0 Ready to start TLS\r\n"));
  f.send("QUIT\r\n");
  CHECK(f.closes());
  CHECK(!f.said.contains("221"));
}

TEST_CASE("a client that does not read does not make us grow") {
  Fixture f;
  f.listener->limits.junk_command_limit = ~0U;
  f.connect();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "NOOP\r\n";
  std::size_t sent = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto count = ::send(f.socket.get(), many.data(), many.size(), MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<std::size_t>(count);
    f.loop.turn();
  }
  // What the kernel and our two buffers hold: far from the 120 MB that were offered.
  CHECK(sent < 8'000'000);
}

TEST_CASE("the greeting waits until authd has counted the connection, and its end is told") {
  Fixture f;
  f.listener->connection_count_limit = 3;
  f.authd.silent = true;
  f.connect();
  REQUIRE(turn_until(f.loop, [&] { return f.authd.asked.size() == 1; }));
  const auto asked = f.authd.asked[0];
  CHECK(asked.connection.client_ip == "192.0.2.7");
  CHECK(asked.limit == 3);
  f.authd.count(asked.connection.id + 1, true);  // of another
  for (int i = 0; i < 20; ++i) f.loop.turn();
  f.receive();
  CHECK(f.said.empty());
  f.authd.count(asked.connection.id, true);
  REQUIRE(f.hears("220 "));
  CHECK(f.authd.ended.empty());
  f.send("QUIT\r\n");
  REQUIRE(f.hears("221 "));
  f.socket.reset();
  REQUIRE(turn_until(f.loop, [&] { return !f.authd.ended.empty(); }));
  CHECK(f.authd.ended == std::vector{asked.connection.id});
}

TEST_CASE("a client that has too many connections hears 421 instead of the greeting") {
  Fixture f;
  f.listener->limits.hostname = "mx.our.test";
  f.listener->connection_count_limit = 3;
  f.authd.crowded = true;
  f.connect();
  f.send("EHLO early\r\n");
  REQUIRE(f.hears("421 4.7.0 mx.our.test Error: too many connections from 192.0.2.7\r\n"));
  f.socket.reset();
  CHECK(turn_until(f.loop, [&] { return !f.client; }));
  CHECK_FALSE(f.said.contains("220"));
  for (int i = 0; i < 20; ++i) f.loop.turn();
  CHECK(f.authd.ended.empty());  // it never counted
}

TEST_CASE("who is exempt, or limited by no setting, waits for nobody") {
  Fixture f;
  f.authd.silent = true;
  SECTION("no limit") {
  }
  SECTION("mynetworks") {
    f.listener->connection_count_limit = 1;
    f.listener->mynetworks = {*net::Cidr::parse("192.0.2.0/24")};
  }
  SECTION("the submit socket") {
    f.listener->connection_count_limit = 1;
    f.listener->role = Role::local;
  }
  f.connect();
  CHECK(f.hears("220 "));
  CHECK(f.authd.asked.empty());
}

TEST_CASE("a limit is no reason to lose mail: an authd that is silent, dies or is away lets everybody in") {
  Fixture f;
  f.listener->connection_count_limit = 1;
  f.authd.silent = true;
  SECTION("silent") {
    const auto start = monotonic_now();
    f.connect();
    REQUIRE(f.hears("220 "));
    const auto waited = monotonic_now() - start;
    CHECK(waited >= ConnectionCount::patience - Milliseconds{50});
    CHECK(waited < ConnectionCount::patience + Seconds{3});
    f.authd.count(f.authd.asked.at(0).connection.id, false);  // too late to refuse it
    f.send("NOOP\r\n");
    CHECK(f.hears("250 2.0.0 Ok\r\n"));
  }
  SECTION("dies while it is asked, and no other comes") {
    f.connect();
    REQUIRE(turn_until(f.loop, [&] { return f.authd.asked.size() == 1; }));
    f.authd.die();
    REQUIRE(f.hears("220 "));
    f.auth_door.connect(f.authd.connect());
    REQUIRE(turn_until(f.loop, [&] { return f.authd.told.size() == 1; }));
    CHECK(f.authd.asked.size() == 1);
    CHECK(f.authd.told[0].client_ip == "192.0.2.7");
    f.client.reset();
    REQUIRE(turn_until(f.loop, [&] { return f.authd.ended.size() == 1; }));
    CHECK(f.authd.ended[0] == f.authd.told[0].id);
  }
  SECTION("away") {
    f.authd.die();
    f.connect();
    REQUIRE(f.hears("220 "));
  }
}

TEST_CASE("a new authd is asked again for the clients that wait") {
  Fixture f;
  f.listener->connection_count_limit = 1;
  f.authd.silent = true;
  f.connect();
  REQUIRE(turn_until(f.loop, [&] { return f.authd.asked.size() == 1; }));
  f.authd.die();
  f.loop.turn();
  f.authd.silent = false;
  const auto start = monotonic_now();
  SECTION("served") {
    f.auth_door.connect(f.authd.connect());
    REQUIRE(f.hears("220 "));
  }
  SECTION("refused") {
    f.authd.crowded = true;
    f.auth_door.connect(f.authd.connect());
    REQUIRE(f.hears("421 4.7.0 "));
  }
  CHECK(monotonic_now() - start < ConnectionCount::patience);
  CHECK(f.authd.asked.size() == 2);
  CHECK(f.authd.told.empty());
}

TEST_CASE("a new authd hears of every connection that is open, and of no other") {
  loop::Loop loop;
  FakeAuthd authd(loop);
  AuthDoor door(loop);
  door.connect(authd.connect());
  std::vector<std::unique_ptr<ConnectionCount::Counted>> open;
  std::size_t served = 0;
  const auto count = [&] {
    open.push_back(door.connections().begin("2001:db8:1111:2222:3333:4444:5555:6666", 5000, [&](bool) { ++served; }));
  };
  for (std::size_t i = 0; i < 1501; ++i) {
    count();
    REQUIRE(turn_until(loop, [&] { return served == i + 1; }));
  }
  authd.crowded = true;
  count();
  REQUIRE(turn_until(loop, [&] { return served == 1502; }));
  open.erase(open.begin());
  REQUIRE(turn_until(loop, [&] { return authd.ended.size() == 1; }));
  authd.die();
  loop.turn();
  door.connect(authd.connect());
  REQUIRE(turn_until(loop, [&] { return authd.told.size() >= 1500; }));
  CHECK(authd.told.size() == 1500);
  CHECK(authd.told.front().id == authd.asked[1].connection.id);
  open.clear();
  REQUIRE(turn_until(loop, [&] { return authd.ended.size() >= 1501; }));
  CHECK(authd.ended.size() == 1501);
}

TEST_CASE("an orderly stop: an idle client hears 421") {
  Fixture f;
  f.connect();
  REQUIRE(f.hears("220 "));
  f.client->shut_down();
  CHECK(f.hears("421 4.3.2 mx.our.test Service shutting down\r\n"));
  CHECK(f.closes());
}
