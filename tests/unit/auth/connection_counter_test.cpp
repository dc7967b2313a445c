// Connections that several smtpd tell through their doors.
#include "auth/connection_counter.h"

#include <memory>
#include <vector>

#include "catch.h"
#include "common/ipc/door.h"
#include "turn_until.h"

using namespace facteur;
using namespace facteur::auth;

namespace {

/// An smtpd whose connections are counted.
struct Asker {
  Asker(loop::Loop& on, Places& places) : loop(on) {
    auto pair = ipc::make_pair();
    REQUIRE(pair);
    door = std::make_unique<ipc::Door>(loop, std::move(pair->first), "smtpd");
    counter = std::make_unique<ConnectionCounter>(places, *door);
    door->on_close([this](const std::string&) { counter.reset(); });
    door->open();
    peer = std::make_unique<ipc::Door>(loop, std::move(pair->second), "authd");
    peer->on<ConnectionCounted>([this](const ConnectionCounted& reply) { replies.push_back(reply); });
    peer->open();
  }
  bool asks(std::uint64_t id, const std::string& client_ip, std::uint64_t limit) {
    peer->send(CountConnection{{id, client_ip}, limit});
    const auto before = replies.size();
    REQUIRE(turn_until(loop, [&] { return replies.size() > before; }));
    CHECK(replies.back().id == id);
    return replies.back().served;
  }
  bool closed() {
    return turn_until(loop, [this] { return !door->is_open(); });
  }

  loop::Loop& loop;
  std::unique_ptr<ipc::Door> door, peer;
  std::unique_ptr<ConnectionCounter> counter;
  std::vector<ConnectionCounted> replies;
};

}  // namespace

TEST_CASE("Connections are counted over all doors, and a door that breaks takes its own along") {
  loop::Loop loop;
  Places places;
  Asker first(loop, places), second(loop, places);
  CHECK(first.asks(1, "192.0.2.1", 3));
  CHECK(first.asks(2, "192.0.2.1", 3));
  CHECK(second.asks(1, "192.0.2.1", 3));
  CHECK_FALSE(second.asks(2, "192.0.2.1", 3));
  CHECK_FALSE(first.asks(3, "192.0.2.1", 3));
  CHECK(second.asks(3, "192.0.2.2", 3));
  CHECK(second.asks(4, "2001:db8::1", 1));
  CHECK(second.asks(5, "2001:db8::2", 1));
  CHECK(places.taken() == 6);
  // What was refused has no place, so its end gives none.
  second.peer->send(ConnectionEnded{2});
  second.peer->send(ConnectionEnded{77});
  CHECK_FALSE(second.asks(6, "192.0.2.1", 3));
  first.peer.reset();
  CHECK(first.closed());
  CHECK(places.taken() == 4);
  CHECK(second.asks(7, "192.0.2.1", 3));
  CHECK(second.asks(8, "192.0.2.1", 3));
  CHECK_FALSE(second.asks(9, "192.0.2.1", 3));
  second.peer->send(ConnectionEnded{7});
  CHECK(second.asks(10, "192.0.2.1", 3));
}

TEST_CASE("A new authd is told what is served already, whatever the limit") {
  loop::Loop loop;
  Places places;
  Asker asker(loop, places);
  asker.peer->send(OpenConnections{{{5, "192.0.2.1"}, {6, "192.0.2.1"}, {9, "192.0.2.1"}}});
  CHECK_FALSE(asker.asks(10, "192.0.2.1", 2));
  asker.peer->send(ConnectionEnded{5});
  CHECK_FALSE(asker.asks(11, "192.0.2.1", 2));
  asker.peer->send(ConnectionEnded{9});
  CHECK(asker.asks(12, "192.0.2.1", 2));
}

TEST_CASE("A question about connections that makes no sense ends the door, and what it had is free") {
  loop::Loop loop;
  Places places;
  for (const CountConnection& bad :
       {CountConnection{{2, "no address"}, 3}, CountConnection{{2, ""}, 3}, CountConnection{{1, "192.0.2.1"}, 3}}) {
    Asker asker(loop, places);
    CHECK(asker.asks(1, "192.0.2.1", 3));
    asker.peer->send(bad);
    CHECK(asker.closed());
    CHECK(places.taken() == 0);
  }
}

TEST_CASE("Connections that are told to a new authd and make no sense end the door") {
  loop::Loop loop;
  Places places;
  for (const std::string& bad : {std::string("no address"), std::string(), std::string(60'000, '1')}) {
    Asker asker(loop, places);
    asker.peer->send(OpenConnections{{{1, "192.0.2.1"}, {2, bad}, {3, "192.0.2.1"}}});
    CHECK(asker.closed());
    CHECK(places.taken() == 0);
  }
}

TEST_CASE("One smtpd takes a part of the places at most, and the others are counted as before") {
  loop::Loop loop;
  Places places;
  Asker greedy(loop, places), other(loop, places);
  std::uint64_t id = 0;
  while (id < ConnectionCounter::max_of_one + 1000) {
    OpenConnections part;
    while (part.connections.size() < OpenConnections::max_in_message) part.connections.push_back({++id, "192.0.2.1"});
    REQUIRE(greedy.peer->send(std::move(part)));
    loop.turn();
  }
  CHECK(greedy.asks(++id, "192.0.2.2", 1));
  CHECK(greedy.asks(++id, "192.0.2.2", 1));  // its own affair: they have no place
  CHECK(places.taken() == ConnectionCounter::max_of_one);
  CHECK(other.asks(1, "192.0.2.2", 1));
  CHECK_FALSE(other.asks(2, "192.0.2.2", 1));
}
