#include "common/log/seldom.h"

#include "catch.h"

using namespace facteur;

TEST_CASE("Of many lines one a pause is due, the first at once") {
  log::Seldom seldom;
  const auto start = MonotonicTime{};
  CHECK(seldom.due(start));
  CHECK_FALSE(seldom.due(start));
  CHECK_FALSE(seldom.due(start + log::Seldom::pause - Seconds{1}));
  CHECK(seldom.due(start + log::Seldom::pause));
  CHECK_FALSE(seldom.due(start + log::Seldom::pause + Seconds{1}));
}
