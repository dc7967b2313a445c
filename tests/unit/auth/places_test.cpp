// What is counted, what is given back and when.
#include "auth/places.h"

#include <vector>

#include "catch.h"

using namespace facteur::auth;

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
