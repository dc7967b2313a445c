// The whole of `remote` but its main: a door, DNS and SMTP servers on loopback, queue files.

#include "delivery/remote/service.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "../../common/dns/fake_server.h"
#include "catch.h"
#include "common/base/strings.h"
#include "common/net/listener.h"
#include "queue/format/writer.h"

using namespace facteur;
using namespace facteur::remote;

namespace {

/// Answers each line a client sends with what the script says, and keeps what it heard.
class FakeSmtp {
 public:
  /// The reply to a line; empty: none. "close" ends the connection.
  using Script = std::function<std::string(const std::string& line)>;

  FakeSmtp(loop::Loop& loop, std::string greeting, Script script)
      : loop_(loop), greeting_(std::move(greeting)), script_(std::move(script)), acceptor_(loop, listen()) {
    acceptor_.open([this](Fd client) { accept(std::move(client)); });
  }
  std::uint16_t port = 0;
  int connections = 0;
  std::string heard;

 private:
  struct Peer {
    explicit Peer(loop::Loop& loop, Fd fd) : stream(loop, std::move(fd)) {}
    net::Stream stream;
    LineBuffer in;
  };
  Fd listen() {
    auto socket = net::listen_tcp({*net::Ip::parse("127.0.0.1"), 0}, false);
    port = net::local_endpoint(socket->get())->port;
    return std::move(*socket);
  }
  void accept(Fd client) {
    ++connections;
    auto peer = std::make_shared<Peer>(loop_, std::move(client));
    peers_.push_back(peer);
    peer->stream.open({[this, weak = std::weak_ptr(peer)](std::string_view octets) {
                         if (const auto self = weak.lock()) read(self, octets);
                       },
                       [] {}, [] {}, [](const Error&) {}});
    if (greeting_ == "close") return std::erase(peers_, peer), void();
    peer->stream.write(greeting_);
  }
  void read(const std::shared_ptr<Peer>& peer, std::string_view octets) {
    heard += octets;
    peer->in.append(octets);
    while (const auto line = peer->in.next_line()) {
      const auto reply = script_(std::string(trim(*line)));
      if (reply == "close") {
        std::erase(peers_, peer);
        return;
      }
      peer->stream.write(reply);
    }
  }

  loop::Loop& loop_;
  std::string greeting_;
  Script script_;
  std::vector<std::shared_ptr<Peer>> peers_;
  net::Acceptor acceptor_;
};

/// A server that takes everything.
std::string polite(const std::string& line) {
  if (line.starts_with("EHLO")) return "250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
  if (line.starts_with("MAIL") || line.starts_with("RCPT")) return "250 ok\r\n";
  if (line == "DATA") return "354 go\r\n";
  if (line == ".") return "250 2.0.0 queued as X\r\n";
  if (line == "QUIT") return "221 bye\r\n";
  return "";
}

Fd queue_file(const std::string& content, const std::string& top = "") {
  queue::Recipient recipient;
  recipient.address = "a@x.org";
  auto writer = queue::Writer::start({}, {recipient});
  REQUIRE(writer);
  Fd file(::memfd_create("queue", MFD_CLOEXEC));
  writer->append(content);
  for (const auto& piece : writer->finish(top)) {
    REQUIRE(fs::system_files().write_at(file.get(), piece.octets, piece.offset));
  }
  return file;
}

/// A service with a door to it, and the loop that both are on.
struct World {
  loop::Loop loop;
  config::Settings settings = [] {
    config::Settings s;
    s.hostname = "client.example";
    s.smtp_connect_timeout = Seconds{2};
    return s;
  }();
  std::optional<dns::test::FakeServer> name_server;
  std::unique_ptr<dns::Resolver> resolver;
  std::optional<Environment> environment;
  std::optional<Service> service;
  std::optional<ipc::Door> door;
  std::vector<queue::Attempted> attempted;
  std::vector<queue::Resolved> resolved;

  explicit World(dns::test::FakeServer::Handler names = nullptr) {
    dns::Resolver::Options options;
    options.off = names == nullptr;
    if (names) {
      name_server.emplace(loop, std::move(names));
      options.servers = {name_server->address()};
    }
    options.hosts.clear();
    options.timeout = Milliseconds{300};
    options.tries = 1;
    auto made = dns::Resolver::create(loop, options);
    REQUIRE(made);
    resolver = std::move(*made);
    environment.emplace(loop, settings, *resolver, *tls::Context::opportunistic_client());
    service.emplace(*environment);
    auto pair = ipc::make_pair();
    REQUIRE(pair);
    service->serve(std::make_unique<ipc::Door>(loop, std::move(pair->first), "queued"));
    door.emplace(loop, std::move(pair->second), "remote");
    door->on<queue::Attempted>([this](queue::Attempted answer) {
      attempted.push_back(std::move(answer));
      loop.stop();
    });
    door->on<queue::Resolved>([this](queue::Resolved answer) {
      resolved.push_back(std::move(answer));
      loop.stop();
    });
    door->open();
  }
  void run() {
    loop::Timer alarm(loop);
    alarm.start(Milliseconds{8000}, [this] { loop.stop(); });
    loop.run();
  }
  queue::Attempted send(const std::vector<std::uint16_t>& ports, std::size_t recipients = 1,
                        const std::string& content = "x\r\n", const std::string& top = "") {
    queue::Attempt attempt;
    attempt.id = 7;
    attempt.queue_id = "4bX";
    attempt.message = queue_file(content, top);
    attempt.reverse_path = "s@client.example";
    for (const auto port : ports) attempt.targets.push_back({"mx.x.org", "127.0.0.1", port});
    for (std::size_t i = 1; i <= recipients; ++i) {
      attempt.recipients.push_back({static_cast<std::uint32_t>(i), "r" + std::to_string(i) + "@x.org"});
    }
    REQUIRE(door->send(std::move(attempt)));
    attempted.clear();
    run();
    REQUIRE(attempted.size() == 1);
    CHECK(attempted[0].id == 7);
    REQUIRE(attempted[0].results.size() == recipients);
    return std::move(attempted[0]);
  }
  queue::Resolved resolve(const std::string& domain, bool use_mx = true) {
    queue::Resolve question;
    question.id = 9;
    question.domain = domain;
    question.use_mx = use_mx;
    REQUIRE(door->send(std::move(question)));
    resolved.clear();
    run();
    REQUIRE(resolved.size() == 1);
    CHECK(resolved[0].id == 9);
    return std::move(resolved[0]);
  }
};

std::uint16_t closed_port() {
  const auto socket = net::listen_tcp({*net::Ip::parse("127.0.0.1"), 0}, false);
  return net::local_endpoint(socket->get())->port;
}

}  // namespace

TEST_CASE("a message goes out with its headers on top, dots doubled, and the reply comes back") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", polite);
  const auto answer = world.send({server.port}, 2, ".dot\r\nlast\r\n", "Received: by us\r\n");
  for (const auto& result : answer.results) {
    CHECK(result.fate == queue::Fate::delivered);
    CHECK(result.text == "250 2.0.0 queued as X");
    CHECK(result.relay == "mx.x.org[127.0.0.1]:" + std::to_string(server.port));
    CHECK(result.remote_reply);
  }
  CHECK(server.heard.find("DATA\r\nReceived: by us\r\n..dot\r\nlast\r\n.\r\n") != std::string::npos);
  CHECK_FALSE(answer.site_dead);
}

TEST_CASE("a big message arrives whole") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", polite);
  std::string content;
  for (int i = 0; i < 60000; ++i) content += "line " + std::to_string(i) + " of a message that is read in pieces\r\n";
  CHECK(world.send({server.port}, 1, content).results[0].fate == queue::Fate::delivered);
  CHECK(server.heard.find("DATA\r\n" + content + ".\r\n") != std::string::npos);
}

TEST_CASE("the next message takes the same connection, and a dead one is replaced in the same attempt") {
  World world;
  bool die = false;
  FakeSmtp server(world.loop, "220 mx\r\n", [&](const std::string& line) {
    if (line.starts_with("MAIL") && std::exchange(die, false)) return std::string("close");
    return polite(line);
  });
  CHECK(world.send({server.port}).results[0].fate == queue::Fate::delivered);
  CHECK(world.send({server.port}).results[0].fate == queue::Fate::delivered);
  CHECK(server.connections == 1);
  die = true;
  CHECK(world.send({server.port}).results[0].fate == queue::Fate::delivered);  // OUT-07
  CHECK(server.connections == 2);
}

TEST_CASE("hosts are tried in order, and what failed for good is not tried elsewhere") {
  World world;
  FakeSmtp picky(world.loop, "220 mx\r\n", [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT TO:<r1")) return "550 5.1.1 never\r\n";
    if (line.starts_with("RCPT TO:<r2")) return "450 4.2.0 later\r\n";
    return polite(line);
  });
  FakeSmtp refusing(world.loop, "554 no\r\n", polite);
  FakeSmtp gone(world.loop, "close", polite);
  FakeSmtp good(world.loop, "220 mx\r\n", polite);
  const auto answer = world.send({closed_port(), refusing.port, gone.port, picky.port, good.port}, 3);
  CHECK(answer.results[0].status == "5.1.1");
  CHECK(answer.results[1].fate == queue::Fate::delivered);
  CHECK(answer.results[1].relay == "mx.x.org[127.0.0.1]:" + std::to_string(good.port));
  CHECK(answer.results[2].fate == queue::Fate::delivered);
  CHECK(answer.results[2].relay == "mx.x.org[127.0.0.1]:" + std::to_string(picky.port));
  CHECK(good.heard.find("r1@") == std::string::npos);
  CHECK(good.heard.find("r3@") == std::string::npos);
}

TEST_CASE("a site nobody can talk to is dead, and says why") {
  World world;
  const auto port = closed_port();
  const auto answer = world.send({port}, 2);
  CHECK(answer.site_dead);
  for (const auto& result : answer.results) {
    CHECK(result.fate == queue::Fate::deferred);
    CHECK(result.status == "4.4.1");
    CHECK(result.text == "connect to mx.x.org[127.0.0.1]:" + std::to_string(port) + ": Connection refused");
    CHECK(result.relay == "none");
    CHECK_FALSE(result.remote_reply);
  }
  CHECK(world.send({}, 1).results[0].status == "4.4.4");
}

TEST_CASE("a silent server is left when its time is over") {
  World world;
  world.settings.smtp_helo_timeout = Seconds{1};
  FakeSmtp server(world.loop, "", polite);
  const auto answer = world.send({server.port});
  CHECK(answer.results[0].status == "4.4.2");
  CHECK(answer.results[0].text ==
        "conversation with mx.x.org[127.0.0.1] timed out while receiving the initial server greeting");
}

TEST_CASE("opportunistic TLS falls back to a connection in clear") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", [](const std::string& line) -> std::string {
    if (line.starts_with("EHLO")) return "250-mx\r\n250 STARTTLS\r\n";
    if (line == "STARTTLS") return "220 go\r\n250 injected\r\n";
    return polite(line);
  });
  FakeSmtp broken(world.loop, "220 mx\r\n", [pending = false](const std::string& line) mutable -> std::string {
    if (line.starts_with("EHLO")) return "250-mx\r\n250 STARTTLS\r\n";
    if (line == "STARTTLS") {
      pending = true;
      return "220 go\r\n";
    }
    if (std::exchange(pending, false)) return "close";
    return polite(line);
  });
  CHECK(world.send({server.port}).results[0].status == "4.5.0");  // TLS-05
  const auto answer = world.send({broken.port});
  CHECK(answer.results[0].fate == queue::Fate::delivered);
  CHECK(broken.connections == 2);
}

TEST_CASE("a queue file that is none defers its message") {
  World world;
  queue::Attempt attempt;
  attempt.id = 1;
  attempt.message = Fd(::memfd_create("bad", MFD_CLOEXEC));
  attempt.recipients.push_back({1, "a@x.org"});
  attempt.targets.push_back({"x", "127.0.0.1", 1});
  REQUIRE(world.door->send(std::move(attempt)));
  world.run();
  REQUIRE(world.attempted.size() == 1);
  CHECK(world.attempted[0].results.at(0).status == "4.3.0");
  CHECK_FALSE(world.attempted[0].site_dead);
}

TEST_CASE("OUT-08: a hundred long replies fit into one answer") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT")) return "550 5.1.1 " + std::string(1000, '\x01') + "\r\n";
    return polite(line);
  });
  const auto answer = world.send({server.port}, 100);
  for (const auto& result : answer.results) CHECK(result.fate == queue::Fate::failed);
}

TEST_CASE("domains are resolved: MX with addresses, the domain itself, nothing, not now, literals") {
  using namespace dns::test;
  World world([](const std::string& name, unsigned type, unsigned id) -> std::string {
    const auto answers = [&](const std::vector<std::string>& records) {
      return packet(name, type, 0, records, {}, id);
    };
    if (name == "none.x") return packet(name, type, 3, {}, {}, id);
    if (name == "busy.x") return packet(name, type, 2, {}, {}, id);
    if (type == 15 && name == "two.x") return answers({mx(name, 50, 20, "b.x"), mx(name, 50, 10, "a.x")});
    if (type == 15 && name == "null.x") return answers({mx(name, 50, 0, "")});
    if (type == 15 && name == "lost.x") return answers({mx(name, 50, 5, "none.x"), mx(name, 50, 6, "busy.x")});
    if (type == 1 && name != "empty.x") return answers({record(name, 1, 40, std::string("\xc0\0\2\1", 4))});
    if (type == 28 && name == "a.x") return answers({record(name, 28, 40, std::string(15, '\0') + '\1')});
    return answers({});
  });
  const auto two = world.resolve("two.x");
  CHECK(two.outcome == queue::DnsOutcome::found);
  CHECK_FALSE(two.implicit);
  CHECK(two.lifetime == 40);
  REQUIRE(two.hosts.size() == 2);
  CHECK(two.hosts[0].name == "a.x");
  CHECK(two.hosts[0].ips == std::vector<std::string>{"192.0.2.1", "::1"});
  CHECK(two.hosts[1].preference == 20);
  CHECK(two.hosts[1].ips == std::vector<std::string>{"192.0.2.1"});

  const auto plain = world.resolve("Plain.x");
  CHECK(plain.implicit);
  CHECK(plain.hosts.at(0).name == "plain.x");
  CHECK(world.resolve("plain.x", false).hosts.at(0).ips.size() == 1);
  const auto null = world.resolve("null.x");
  CHECK(null.hosts.at(0).name.empty());
  const auto lost = world.resolve("lost.x");
  CHECK(lost.outcome == queue::DnsOutcome::found);
  CHECK_FALSE(lost.hosts.at(0).temporary);
  CHECK(lost.hosts.at(1).temporary);

  CHECK(world.resolve("none.x").outcome == queue::DnsOutcome::no_such_domain);
  CHECK(world.resolve("empty.x").outcome == queue::DnsOutcome::no_data);
  CHECK(world.resolve("busy.x").outcome == queue::DnsOutcome::temporary);
  CHECK(world.resolve("busy.x", false).outcome == queue::DnsOutcome::temporary);
  CHECK(world.resolve("").outcome == queue::DnsOutcome::no_such_domain);
  CHECK(world.resolve("a b\n", false).outcome == queue::DnsOutcome::no_such_domain);
  CHECK(world.resolve("[127.0.0.1]").hosts.at(0).ips == std::vector<std::string>{"127.0.0.1"});
  CHECK(world.resolve("[IPv6:::1]", false).hosts.at(0).name == "::1");
}

TEST_CASE("without DNS a domain waits, and a literal is found all the same") {
  World world;
  const auto answer = world.resolve("x.org");
  CHECK(answer.outcome == queue::DnsOutcome::temporary);
  CHECK(answer.text.find("name=x.org type=MX") != std::string::npos);
  CHECK(world.resolve("[127.0.0.1]").outcome == queue::DnsOutcome::found);
}
