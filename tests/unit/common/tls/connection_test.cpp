#include "common/tls/connection.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"

using namespace facteur;

namespace {

/// A key pair in files, as a server is given it.
struct Keys {
  std::string folder = [] {
    char name[] = "/tmp/facteur-tls-XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  Keys() {
    const auto pair = tls::make_self_signed("mail.example.test");
    REQUIRE(pair);
    std::ofstream(folder + "/cert.pem") << pair->certificate;
    std::ofstream(folder + "/key.pem") << pair->key;
  }
  ~Keys() { std::filesystem::remove_all(folder); }
};

struct Peers {
  Keys keys;
  loop::Loop loop;
  std::unique_ptr<tls::Connection> server;
  std::unique_ptr<tls::Connection> client;
  std::string at_server;
  std::string at_client;
  bool server_end = false;
  std::optional<Error> server_failed;

  Peers() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    server = std::make_unique<tls::Connection>(loop, Fd(ends[0]));
    client = std::make_unique<tls::Connection>(loop, Fd(ends[1]));
    server->open({.data = [this](std::string_view octets) { at_server += octets; },
                  .end = [this] { server_end = true; },
                  .drained = {},
                  .failed = [this](const Error& error) { server_failed = error; }});
    client->open(
        {.data = [this](std::string_view octets) { at_client += octets; }, .end = {}, .drained = {}, .failed = {}});
  }
  void turn() {
    for (int i = 0; i < 50; ++i) loop.turn();
  }
  void start_tls() {
    bool served = false;
    bool connected = false;
    server->start_tls(*tls::Context::server(keys.folder + "/cert.pem", keys.folder + "/key.pem"), tls::Side::server, "",
                      [&](const Result<tls::Agreed>& agreed) { served = agreed.has_value(); });
    client->start_tls(*tls::Context::opportunistic_client(), tls::Side::client, "mail.example.test",
                      [&](const Result<tls::Agreed>& agreed) { connected = agreed && agreed->protocol == "TLSv1.3"; });
    turn();
    CHECK(served);
    CHECK(connected);
  }
};

}  // namespace

TEST_CASE("octets cross in the clear, then with TLS, both ways") {
  Peers peers;
  peers.client->write("clear");
  peers.turn();
  CHECK(peers.at_server == "clear");
  peers.start_tls();
  const std::string large(300000, 'x');
  peers.client->write(large);
  peers.server->write("answer");
  peers.turn();
  CHECK(peers.at_server == "clear" + large);
  CHECK(peers.at_client == "answer");
  peers.client->finish_writing();
  peers.turn();
  CHECK(peers.server_end);
  peers.server->write("last words");
  peers.turn();
  CHECK(peers.at_client == "answerlast words");
}

TEST_CASE("what is not a handshake fails, and nothing of it is taken as clear text") {
  Peers peers;
  std::optional<Error> why;
  peers.server->start_tls(*tls::Context::server(peers.keys.folder + "/cert.pem", peers.keys.folder + "/key.pem"),
                          tls::Side::server, "", [&](const Result<tls::Agreed>& agreed) {
                            if (!agreed) why = agreed.error();
                          });
  peers.client->write("QUIT\r\n");
  peers.turn();
  REQUIRE(why);
  CHECK(why->kind == Kind::protocol);
  CHECK(peers.at_server.empty());
}

TEST_CASE("a paused connection keeps its octets, and gives them when resumed") {
  Peers peers;
  peers.start_tls();
  peers.server->pause();
  peers.client->write("waiting");
  peers.turn();
  CHECK(peers.at_server.empty());
  peers.server->resume();
  peers.turn();
  CHECK(peers.at_server == "waiting");
}

TEST_CASE("a key that does not fit, and files that are not there, are refused by name") {
  const Keys one;
  const Keys other;
  const auto unfit = tls::Context::server(one.folder + "/cert.pem", other.folder + "/key.pem");
  REQUIRE_FALSE(unfit);
  CHECK(unfit.error().text.find(other.folder + "/key.pem") != std::string::npos);
  const auto missing = tls::Context::server("/nonexistent.pem", one.folder + "/key.pem");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().text.find("/nonexistent.pem") != std::string::npos);
}
