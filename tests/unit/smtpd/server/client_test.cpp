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

TEST_CASE("an orderly stop: an idle client hears 421") {
  Fixture f;
  f.connect();
  REQUIRE(f.hears("220 "));
  f.client->shut_down();
  CHECK(f.hears("421 4.3.2 mx.our.test Service shutting down\r\n"));
  CHECK(f.closes());
}
