// What is counted, what is given back and when: places by themselves, connections through doors, sessions by their
// ends.
#include "auth/places.h"

#include <functional>
#include <memory>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "auth/connection_counter.h"
#include "auth/session_places.h"
#include "catch.h"
#include "common/ipc/door.h"

using namespace facteur;
using namespace facteur::auth;

namespace {

bool turn_until(loop::Loop& loop, const std::function<bool()>& holds) {
  for (const auto end = monotonic_now() + Seconds{30}; monotonic_now() < end;) {
    loop.turn();
    if (holds()) return true;
    std::this_thread::sleep_for(Milliseconds{1});
  }
  return false;
}

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

TEST_CASE("Places: as many as the limit says, each key for itself, and again when they are given back") {
  Places places;
  auto first = places.take("a", 2);
  auto second = places.take("a", 2);
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(places.take("a", 2));
  CHECK(places.take("a", 3)->counted());  // gives itself back at once
  CHECK(places.take("b", 1));
  CHECK(places.taken() == 2);
  CHECK(places.keys() == 1);
  first.reset();
  CHECK(places.take("a", 2));
  CHECK_FALSE(places.take("a", 1));
  CHECK_FALSE(places.take("a", 0));
  second.reset();
  CHECK(places.taken() == 0);
  CHECK(places.keys() == 0);
}

TEST_CASE("Places: one that is moved is given back once") {
  Places places;
  {
    auto first = std::move(*places.take("a", 1));
    Places::Place second(std::move(first));
    Places::Place third;
    third = std::move(second);
    CHECK(third.counted());
    CHECK(places.taken() == 1);
    third = std::move(*places.take("b", 1));
    CHECK(places.taken() <= 2);
  }
  CHECK(places.taken() == 0);
  CHECK(places.keys() == 0);
}

TEST_CASE("Places: many keys come and go without confusion") {
  Places places;
  std::vector<Places::Place> held;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1000; ++i) held.push_back(std::move(*places.take(std::to_string(i), 3)));
  }
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(places.take(std::to_string(i), 3));
  held.erase(held.begin(), held.begin() + 1000);
  for (int i = 0; i < 1000; ++i) CHECK(places.take(std::to_string(i), 3));
  CHECK(places.keys() == 1000);
  held.clear();
  CHECK(places.keys() == 0);
}

TEST_CASE("Places: beyond the most there may be nothing is counted, and nobody shut out") {
  Places places(2);
  const auto first = places.take("a", 2);
  const auto second = places.take("b", 2);
  for (int i = 0; i < 5; ++i) {
    const auto third = places.take("c", 1);
    REQUIRE(third);
    CHECK_FALSE(third->counted());
  }
  const auto more = places.take("a", 2);
  CHECK(more);
  CHECK_FALSE(places.take("a", 1));  // the limit holds for whom it counts
  CHECK(places.taken() == 2);
  CHECK(places.keys() == 2);
}

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

TEST_CASE("Sessions: a place is free again when its descriptor is closed, however that comes") {
  loop::Loop loop;
  SessionPlaces sessions(loop);
  const auto take = [&](Service service, const std::string& user, const std::string& ip) {
    return sessions.take(service, user, ip, 2);
  };
  auto first = take(Service::imap, "alice@x.y", "192.0.2.1");
  auto second = take(Service::imap, "alice@x.y", "192.0.2.1");
  REQUIRE(first);
  REQUIRE(*first);
  REQUIRE(second);
  CHECK_FALSE(take(Service::imap, "alice@x.y", "192.0.2.1"));
  // Another protocol, another user, another address.
  const auto others = {take(Service::pop3, "alice@x.y", "192.0.2.1").has_value(),
                       take(Service::imap, "bob@x.y", "192.0.2.1").has_value(),
                       take(Service::imap, "alice@x.y", "192.0.2.2").has_value()};
  for (const bool other : others) CHECK(other);
  REQUIRE(turn_until(loop, [&] { return sessions.taken() == 2; }));
  // While a copy is open, as in a message under way, it is held.
  auto copy = first->duplicate();
  first->reset();
  for (int i = 0; i < 10; ++i) loop.turn();
  CHECK_FALSE(take(Service::imap, "alice@x.y", "192.0.2.1"));
  copy.reset();
  REQUIRE(turn_until(loop, [&] { return sessions.taken() == 1; }));
  auto third = take(Service::imap, "alice@x.y", "192.0.2.1");
  REQUIRE(third);
  // Who says anything there has broken it: one's own place is all that this can cost.
  REQUIRE(::send(third->get(), "x", 1, MSG_NOSIGNAL) == 1);
  REQUIRE(turn_until(loop, [&] { return sessions.taken() == 1; }));
  second->reset();
  REQUIRE(turn_until(loop, [&] { return sessions.taken() == 0; }));
}

TEST_CASE("Sessions: without a limit nothing is held, and beyond the most there may be neither") {
  loop::Loop loop;
  SessionPlaces sessions(loop, 1);
  for (int i = 0; i < 20; ++i) {
    const auto place = sessions.take(Service::imap, "alice@x.y", "192.0.2.1", 0);
    REQUIRE(place);
    CHECK_FALSE(*place);
  }
  CHECK(sessions.taken() == 0);
  const auto held = sessions.take(Service::imap, "alice@x.y", "192.0.2.1", 5);
  REQUIRE(held);
  CHECK(*held);
  const auto uncounted = sessions.take(Service::imap, "bob@x.y", "192.0.2.1", 5);
  REQUIRE(uncounted);
  CHECK_FALSE(*uncounted);
  CHECK(sessions.taken() == 1);
}
