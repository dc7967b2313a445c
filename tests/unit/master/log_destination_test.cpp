// The pipe behind a log in a file: what its processes say is in the file, whole, in their order, whatever happens to
// the file; and they hold nothing by which it could be lost.
#include "master/log_destination.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "catch.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "folder.h"

using namespace facteur;
using namespace facteur::master;

namespace {

struct House : test::Folder {
  std::string file = path + "/log";
  loop::Loop loop;
  LogDestination log{loop};

  House() { REQUIRE(log.open(file)); }
  [[nodiscard]] std::string text(const std::string& name) const { return fs::read_file(name, 16 << 20).value_or(""); }
  void say(const LogDestination::End& end, const std::string& line) {
    REQUIRE(::write(end.descriptor.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
  void until(const std::function<bool()>& holds) {
    const auto end = monotonic_now() + Seconds{10};
    while (!holds() && monotonic_now() < end) {
      loop.turn();
      std::this_thread::sleep_for(Milliseconds{1});
    }
    REQUIRE(holds());
  }
};

}  // namespace

TEST_CASE("lines of several processes come into the file, and their ends are not the file") {
  House house;
  const auto one = house.log.make_end();
  const auto other = house.log.make_end();
  CHECK(one.framing == log::Framing::line);
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const auto line = std::to_string(i) + std::string(static_cast<std::size_t>(i) * 10, 'x') + "\n";
    house.say(i % 2 == 0 ? one : other, line);
    expected += line;
  }
  house.until([&] { return house.text(house.file).size() == expected.size(); });
  CHECK(house.text(house.file) == expected);

  CHECK(::ftruncate(one.descriptor.get(), 0) < 0);
  CHECK(::pwrite(one.descriptor.get(), "z", 1, 0) < 0);
  CHECK(::fcntl(one.descriptor.get(), F_SETFL, 0) == 0);  // of this end alone
  CHECK((::fcntl(other.descriptor.get(), F_GETFL) & O_NONBLOCK) != 0);
  char octet = 0;
  CHECK(::read(one.descriptor.get(), &octet, 1) < 0);
  CHECK(house.text(house.file) == expected);
}

TEST_CASE("a log that was rotated goes on under its name, without being asked to") {
  House house;
  const auto end = house.log.make_end();
  house.say(end, "one\n");
  house.until([&] { return house.text(house.file) == "one\n"; });
  std::filesystem::rename(house.file, house.file + ".1");
  std::this_thread::sleep_for(Milliseconds{1100});
  house.say(end, "two\n");
  house.until([&] { return house.text(house.file) == "two\n"; });
  CHECK(house.text(house.file + ".1") == "one\n");
  std::filesystem::remove_all(house.path);  // nowhere to go: it stays with the file that it has
  std::this_thread::sleep_for(Milliseconds{1100});
  house.say(end, "three\n");
  house.log.drain();
}

TEST_CASE("what cannot be written waits, and comes once") {
  House house;
  const auto end = house.log.make_end();
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before{};
  REQUIRE(::sigaction(SIGXFSZ, &ignore, &before) == 0);
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto set_limit = [&](rlim_t octets) {
    const rlimit wanted{octets, limit.rlim_max};
    return ::setrlimit(RLIMIT_FSIZE, &wanted) == 0;
  };
  REQUIRE(set_limit(1000));
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const auto line = std::to_string(1000 + i) + " a line of the log\n";
    house.say(end, line);
    expected += line;
    house.loop.turn();
  }
  const auto text_then = house.text(house.file);
  REQUIRE(set_limit(limit.rlim_cur));
  ::sigaction(SIGXFSZ, &before, nullptr);
  CHECK(text_then == expected.substr(0, 1000));
  house.until([&] { return house.text(house.file).size() >= expected.size(); });
  CHECK(house.text(house.file) == expected);
}

TEST_CASE("what is in the pipe at the end is written, and a full pipe holds nobody up") {
  House house;
  const auto end = house.log.make_end();
  const std::string line = std::string(4000, 'y') + "\n";
  std::size_t said = 0;
  while (::write(end.descriptor.get(), line.data(), line.size()) > 0) ++said;
  CHECK(errno == EAGAIN);
  CHECK(said > 10);
  house.log.drain();
  CHECK(house.text(house.file).size() == said * line.size());
}

TEST_CASE("where no log can be, the reason is told and the old one stays") {
  House house;
  const auto end = house.log.make_end();
  const auto opened = house.log.open(house.path + "/nowhere/log");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().text.contains("/nowhere/log"));
  house.say(end, "still here\n");
  house.until([&] { return house.text(house.file) == "still here\n"; });
}
