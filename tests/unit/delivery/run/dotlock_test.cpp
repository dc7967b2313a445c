#include "delivery/run/dotlock.h"

#include "catch.h"
#include "fake.h"

using namespace facteur;
using namespace facteur::run;
namespace stdfs = std::filesystem;

TEST_CASE("a dotlock is taken with our pid in it, and given back") {
  const Fake fake;
  Dotlock lock(fake.mbox, fake.program);
  CHECK(lock.take().outcome == Outcome::taken);
  CHECK(lock.taken());
  CHECK(fake.calls() == "-l -p -r 0 " + fake.lock + "\n");
  CHECK(Fake::read(fake.lock) == std::to_string(::getpid()) + "\n");
  // Not twice, and without asking.
  CHECK(lock.take().outcome == Outcome::held);
  CHECK(fake.calls().empty());
  lock.give_back();
  CHECK_FALSE(lock.taken());
  CHECK_FALSE(fake.locked());
  CHECK(fake.calls() == "-u " + fake.lock + "\n");
  lock.give_back();
  CHECK(fake.calls().empty());
  {
    Dotlock other(fake.mbox, fake.program);
    REQUIRE(other.take().outcome == Outcome::taken);
  }
  CHECK_FALSE(fake.locked());
}

TEST_CASE("a lock of another program is asked about once a second, and when it changes") {
  const Fake fake;
  Fake::write(fake.lock, "1\n");
  Dotlock lock(fake.mbox, fake.program);
  for (int i = 0; i < 5; ++i) CHECK(lock.take().outcome == Outcome::held);
  CHECK(fake.calls() == "-l -p -r 0 " + fake.lock + "\n");
  stdfs::last_write_time(fake.lock, stdfs::file_time_type::clock::now() - std::chrono::seconds(5));
  CHECK(lock.take().outcome == Outcome::held);
  CHECK_FALSE(fake.calls().empty());
  stdfs::remove(fake.lock);
  CHECK(lock.take().outcome == Outcome::taken);
}

TEST_CASE("a lock that is held stays young; one that was taken away is left alone") {
  const Fake fake;
  Dotlock lock(fake.mbox, fake.program);
  lock.refresh();
  REQUIRE(lock.take().outcome == Outcome::taken);
  const auto now = stdfs::file_time_type::clock::now();
  stdfs::last_write_time(fake.lock, now - std::chrono::seconds(400));
  lock.refresh();
  CHECK(now - stdfs::last_write_time(fake.lock) < std::chrono::seconds(5));
  // Another took it for stale.
  stdfs::rename(fake.lock, fake.lock + ".gone");
  Fake::write(fake.lock, "1\n");
  stdfs::last_write_time(fake.lock, now - std::chrono::seconds(400));
  lock.refresh();
  CHECK(now - stdfs::last_write_time(fake.lock) > std::chrono::seconds(300));
  (void)fake.calls();
  lock.give_back();
  CHECK(fake.locked());
  CHECK(fake.calls().empty());
}

TEST_CASE("what keeps everybody from a dotlock is told, and what passes is not taken for it") {
  const Fake fake;
  Dotlock lock(fake.mbox, fake.program);
  fake.act("exit 2");  // no right
  CHECK(lock.take().outcome == Outcome::none);
  Fake::write(fake.lock, "1\n");
  CHECK(lock.take().outcome == Outcome::held);
  stdfs::remove(fake.lock);
  fake.act("exit 3");  // the disk is full
  CHECK(lock.take().outcome == Outcome::failed);
  fake.act("kill -9 $$");
  CHECK(lock.take().outcome == Outcome::failed);
  fake.act("exit 0");  // and no lock is there
  CHECK(lock.take().outcome == Outcome::failed);
  CHECK_FALSE(lock.taken());
  ::chmod(fake.program.c_str(), 0644);
  const auto refused = lock.take();
  CHECK(refused.outcome == Outcome::none);
  CHECK(refused.text == fake.program + " cannot be run: install the package liblockfile-bin");
  stdfs::remove(fake.program);
  CHECK(lock.take().outcome == Outcome::none);
}
