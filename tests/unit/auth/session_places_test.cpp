// Places of sessions, which are held by descriptors.
#include "auth/session_places.h"

#include <sys/socket.h>

#include "catch.h"
#include "turn_until.h"

using namespace facteur;
using namespace facteur::auth;

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
