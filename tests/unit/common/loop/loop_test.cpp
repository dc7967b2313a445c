#include "common/loop/loop.h"

#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include "catch.h"
#include "common/base/fd.h"
#include "common/loop/poll.h"

using namespace facteur;

TEST_CASE("posted calls and work come back on the loop, never before the call returns") {
  loop::Loop loop;
  int posted = 0;
  bool worked = false;
  bool done = false;
  loop.post([&] { ++posted; });
  const auto ticket = loop.work([&] { worked = true; }, [&] { done = worked; });
  CHECK(posted == 0);
  CHECK_FALSE(done);
  loop.run();
  CHECK(posted == 1);
  CHECK(done);
}

TEST_CASE("work whose ticket was dropped is done, but not told") {
  loop::Loop loop;
  bool worked = false;
  bool told = false;
  loop.work([&] { worked = true; }, [&] { told = true; }).reset();
  loop.run();
  CHECK(worked);
  CHECK_FALSE(told);
}

TEST_CASE("a timer may be destroyed by its own handler, and a stopped one is silent") {
  loop::Loop loop;
  int rings = 0;
  auto timer = std::make_unique<loop::Timer>(loop);
  timer->start(Milliseconds{1}, [&] {
    ++rings;
    timer.reset();
  });
  loop::Timer stopped(loop);
  stopped.start(Milliseconds{1}, [&] { rings += 100; });
  stopped.stop();
  loop.run();
  CHECK(rings == 1);
}

TEST_CASE("a poll tells when a descriptor is readable, and may be destroyed by its handler") {
  loop::Loop loop;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  auto poll = std::make_unique<loop::Poll>(loop);
  int told = 0;
  poll->watch(reader.get(), true, false, [&](bool readable, bool) {
    told += readable ? 1 : 0;
    poll.reset();
  });
  CHECK(::write(writer.get(), "x", 1) == 1);
  loop.run();
  CHECK(told == 1);
}
