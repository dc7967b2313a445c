// What tests of `remote` have around them: SMTP and name servers on loopback, queue files, a service with its door.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include "../../common/dns/fake_server.h"
#include "catch.h"
#include "common/base/strings.h"
#include "common/net/listener.h"
#include "delivery/remote/service.h"
#include "queue/format/writer.h"

namespace facteur::remote::test {

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
inline std::string polite(const std::string& line) {
  if (line.starts_with("EHLO")) return "250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
  if (line.starts_with("MAIL") || line.starts_with("RCPT")) return "250 ok\r\n";
  if (line == "DATA") return "354 go\r\n";
  if (line == ".") return "250 2.0.0 queued as X\r\n";
  if (line == "QUIT") return "221 bye\r\n";
  return "";
}

inline Fd queue_file(const std::string& content, const std::string& top = "") {
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

inline std::uint16_t closed_port() {
  const auto socket = net::listen_tcp({*net::Ip::parse("127.0.0.1"), 0}, false);
  return net::local_endpoint(socket->get())->port;
}

}  // namespace facteur::remote::test
