#include "common/net/stream.h"

#include <memory>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"
#include "common/net/connect.h"
#include "common/net/listener.h"

using namespace facteur;

TEST_CASE("a client connects, octets cross, a half close still gets its reply") {
  loop::Loop loop;
  auto socket = net::listen_tcp(*net::Endpoint::parse("127.0.0.1", 0), false);
  REQUIRE(socket);
  const auto endpoint = net::local_endpoint(socket->get());
  REQUIRE(endpoint);
  net::Acceptor acceptor(loop, std::move(*socket));
  std::unique_ptr<net::Stream> server;
  std::string at_server;
  acceptor.open([&](Fd client) {
    CHECK(net::peer_endpoint(client.get())->ip.is_loopback());
    server = std::make_unique<net::Stream>(loop, std::move(client));
    server->open({.data = [&](std::string_view octets) { at_server += octets; },
                  .end =
                      [&] {
                        server->write("reply after the end");
                        server->finish_writing();
                      },
                  .drained = {},
                  .failed = {}});
  });
  std::unique_ptr<net::Stream> client;
  std::string at_client;
  const auto ticket = net::connect(loop, *endpoint, Milliseconds{1000}, [&](Result<Fd> connected) {
    REQUIRE(connected);
    client = std::make_unique<net::Stream>(loop, std::move(*connected));
    client->open({.data = [&](std::string_view octets) { at_client += octets; },
                  .end =
                      [&] {
                        client.reset();
                        server.reset();
                        acceptor.close();
                      },
                  .drained = {},
                  .failed = {}});
    client->write(std::string(1000000, 'x'));
    client->finish_writing();
  });
  loop.run();
  CHECK(at_server.size() == 1000000);
  CHECK(at_client == "reply after the end");
}

TEST_CASE("a refused connection and a withdrawn one") {
  loop::Loop loop;
  auto socket = net::listen_tcp(*net::Endpoint::parse("127.0.0.1", 0), false);
  const auto endpoint = net::local_endpoint(socket->get());
  socket->reset();
  std::optional<Error> refused;
  bool told = false;
  const auto ticket = net::connect(loop, *endpoint, Milliseconds{1000}, [&](const Result<Fd>& connected) {
    if (!connected) refused = connected.error();
  });
  net::connect(loop, *endpoint, Milliseconds{1000}, [&](const Result<Fd>&) { told = true; }).reset();
  loop.run();
  REQUIRE(refused);
  CHECK(refused->text == "connect: Connection refused");
  CHECK_FALSE(told);
}

namespace {

/// A connection of which the far end is a plain descriptor.
struct Pair {
  Fd near;
  Fd far;
};

Pair connected_pair() {
  auto listener = net::listen_tcp(*net::Endpoint::parse("127.0.0.1", 0), false);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  Fd far(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(far.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  pollfd waiting{listener->get(), POLLIN, 0};
  REQUIRE(::poll(&waiting, 1, 1000) == 1);
  return {Fd(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC)), std::move(far)};
}

void reset(Fd& socket) {
  const linger at_once{1, 0};
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  socket.reset();
}

}  // namespace

TEST_CASE("CMD-25: what came before a reset is read, and then the reset is told") {
  loop::Loop loop;
  auto pair = connected_pair();
  REQUIRE(::send(pair.far.get(), "hello", 5, 0) == 5);
  reset(pair.far);
  net::Stream stream(loop, std::move(pair.near));
  std::string said;
  int failed = 0;
  stream.open({.data = [&](std::string_view octets) { said += octets; },
               .end = [] {},
               .drained = {},
               .failed = [&](const Error&) { ++failed; }});
  loop.run();
  CHECK(said == "hello");
  CHECK(failed == 1);
}

TEST_CASE("CMD-25: a reset is told to who only writes") {
  loop::Loop loop;
  auto pair = connected_pair();
  net::Stream stream(loop, std::move(pair.near));
  int failed = 0;
  stream.open(
      {.data = [](std::string_view) {}, .end = [] {}, .drained = {}, .failed = [&](const Error&) { ++failed; }});
  stream.pause();
  stream.write(std::string(32 << 20, 'x'));
  REQUIRE(stream.buffered() > 0);
  loop.post([&] { reset(pair.far); });
  loop.run();
  CHECK(failed == 1);
}

TEST_CASE("a connection that is gone is told once") {
  loop::Loop loop;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  net::Stream stream(loop, Fd(ends[0]));
  Fd(ends[1]).reset();
  int failed = 0;
  int ended = 0;
  stream.open({.data = {}, .end = [&] { ++ended; }, .drained = {}, .failed = [&](const Error&) { ++failed; }});
  stream.write(std::string(10, 'x'));
  stream.write(std::string(10, 'x'));
  for (int i = 0; i < 20; ++i) loop.turn();
  CHECK(failed + ended >= 1);
  CHECK(failed <= 1);
}
