// A worker's threads, with a local-run that this test plays.
#include "common/dotlock/local_run.h"

#include <atomic>
#include <future>

#include "catch.h"
#include "common/ipc/door.h"

using namespace facteur;
using namespace facteur::dotlock;
using Outcome = store::DotlockKeeper::Outcome;

namespace {

constexpr Milliseconds enough{10000};
constexpr Milliseconds little{60};
const std::string mbox = "/var/mail/jim";

/// What local-run would do: the other end of the door.
struct House {
  std::atomic<int> sent_for = 0;
  std::shared_ptr<LocalRun> keeper = std::make_shared<LocalRun>(mbox, [this] {
    ++sent_for;
    return true;
  });
  Fd there;

  void come() {
    auto pair = ipc::make_pair();
    REQUIRE(pair);
    there = std::move(pair->second);
    keeper->come(std::move(pair->first));
  }
  template <class M>
  void send(M message) {
    auto packet = ipc::encode(std::move(message));
    REQUIRE(ipc::send_now(there.get(), packet));
  }
  /// The answer to what will be asked next.
  void say(run::Outcome outcome) { send(run::Locked{outcome, "why"}); }
  template <class M>
  [[nodiscard]] bool heard() {
    auto packet = ipc::receive_now(there.get());
    return packet && ipc::decode<M>(std::move(*packet)).has_value();
  }
};

}  // namespace

TEST_CASE("a lock is asked for, and given back by who lets go of it last") {
  House house;
  house.come();
  house.say(run::Outcome::taken);
  auto answer = house.keeper->take(mbox, enough);
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::taken);
  CHECK(house.heard<run::Lock>());
  auto second = answer->lock;
  answer->lock.reset();
  CHECK_FALSE(house.heard<run::Unlock>());
  // Meanwhile the other threads need not ask.
  CHECK(house.keeper->take(mbox, enough)->outcome == Outcome::held);
  CHECK_FALSE(house.heard<run::Lock>());
  house.send(run::Unlocked{});
  second.reset();
  CHECK(house.heard<run::Unlock>());
  house.say(run::Outcome::held);
  CHECK(house.keeper->take(mbox, enough)->outcome == Outcome::held);
  CHECK(house.sent_for == 0);
}

TEST_CASE("another mbox is not the keeper's") {
  House house;
  house.come();
  CHECK(house.keeper->take(mbox + "/other", enough)->outcome == Outcome::none);
  CHECK_FALSE(house.heard<run::Lock>());
}

TEST_CASE("what fails is a temporary error; what cannot be had is believed for a while") {
  House house;
  house.come();
  house.say(run::Outcome::failed);
  CHECK(house.keeper->take(mbox, enough).error().kind == Kind::temporary);
  house.say(run::Outcome::none);
  CHECK(house.keeper->take(mbox, enough)->outcome == Outcome::none);
  CHECK(house.heard<run::Lock>());
  CHECK(house.heard<run::Lock>());
  CHECK(house.keeper->take(mbox, enough)->outcome == Outcome::none);
  CHECK_FALSE(house.heard<run::Lock>());
}

TEST_CASE("a local-run is sent for when there is none, not more than once a second") {
  House house;
  CHECK(house.keeper->take(mbox, little).error().kind == Kind::timeout);
  CHECK(house.keeper->take(mbox, little).error().kind == Kind::timeout);
  CHECK(house.sent_for == 1);
  auto asking = std::async(std::launch::async, [&] { return house.keeper->take(mbox, enough); });
  while (house.sent_for < 2) std::this_thread::sleep_for(Milliseconds{5});
  auto pair = ipc::make_pair();
  REQUIRE(pair);
  house.there = std::move(pair->second);
  house.say(run::Outcome::taken);
  house.keeper->come(std::move(pair->first));
  house.send(run::Unlocked{});
  const auto answer = asking.get();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::taken);
}

TEST_CASE("a local-run that is gone, silent, or talks nonsense is replaced") {
  House house;
  house.come();
  SECTION("gone before it was asked") {
    house.there.reset();
    CHECK(house.keeper->take(mbox, enough)->outcome == Outcome::held);
  }
  SECTION("silent: its late answer finds nobody") {
    CHECK(house.keeper->take(mbox, little).error().kind == Kind::timeout);
    auto late = ipc::encode(run::Locked{run::Outcome::taken, {}});
    CHECK(ipc::send_now(house.there.get(), late).error().kind == Kind::closed);
  }
  SECTION("nonsense") {
    house.send(run::Unlock{});
    CHECK(house.keeper->take(mbox, enough).error().kind == Kind::protocol);
  }
  SECTION("gone while it had the lock: nobody has it before it is given back") {
    house.say(run::Outcome::taken);
    auto answer = house.keeper->take(mbox, enough);
    REQUIRE(answer);
    house.come();
    house.say(run::Outcome::taken);
    CHECK(house.keeper->take(mbox, enough)->outcome == Outcome::held);
    answer->lock.reset();
    CHECK_FALSE(house.heard<run::Unlock>());
    answer = house.keeper->take(mbox, enough);
    CHECK(answer->outcome == Outcome::taken);
    house.send(run::Unlocked{});
    return;
  }
  CHECK(house.keeper->take(mbox, little).error().kind == Kind::timeout);
  CHECK(house.sent_for == 1);
  house.come();
  house.say(run::Outcome::taken);
  house.send(run::Unlocked{});
  CHECK(house.keeper->take(mbox, enough)->outcome == Outcome::taken);
}
