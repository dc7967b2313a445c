#include "common/log/log.h"

#include <array>
#include <fcntl.h>
#include <regex>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"

using namespace facteur;

namespace {

std::string read_all(int fd) {
  std::array<char, 65536> buffer{};
  const auto count = ::read(fd, buffer.data(), buffer.size());
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

}  // namespace

TEST_CASE("a line has the shape that pflogsumm reads, and is one line whatever is in it") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const Fd reader(ends[0]);
  log::identify("mail.minfo.sn", "smtpd");
  log::attach(Fd(ends[1]), log::Framing::line);
  log::info("{}: client={}", "4bXyZ", "a\r\nb\x1b[2J");
  const std::string text = read_all(reader.get());
  CHECK(std::regex_match(text, std::regex("[A-Z][a-z]{2} [ 0-9]\\d \\d\\d:\\d\\d:\\d\\d mail facteur/smtpd\\[\\d+\\]: "
                                          "4bXyZ: client=a\\\\r\\\\nb\\\\x1b\\[2J\n")));
}

TEST_CASE("lines wait while the destination is broken, and the program is told once") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  int told = 0;
  log::on_broken([&] { ++told; });
  log::attach(Fd(::open("/dev/full", O_WRONLY | O_CLOEXEC)), log::Framing::line);
  log::info("first");
  log::info("second");
  CHECK(told == 1);
  // One that takes none of them is no better: it is told again, and what is said meanwhile waits behind them.
  log::attach(Fd(::open("/dev/full", O_WRONLY | O_CLOEXEC)), log::Framing::line);
  CHECK(told == 2);
  log::info("third");
  log::flush();
  const Fd reader(ends[0]);
  log::attach(Fd(ends[1]), log::Framing::line);
  CHECK(told == 2);
  log::info("fourth");
  const std::string text = read_all(reader.get());
  CHECK(text.find("first\n") < text.find("second\n"));
  CHECK(text.find("second\n") < text.find("third\n"));
  CHECK(text.find("third\n") < text.find("fourth\n"));
  CHECK(text.find("fourth\n") != std::string::npos);
}

TEST_CASE("the system's log gets no host: it adds its own") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  const Fd reader(ends[0]);
  log::identify("mail.minfo.sn", "smtpd");
  log::attach(Fd(ends[1]), log::Framing::syslog);
  log::info("{}: client={}", "4bXyZ", "a");
  CHECK(std::regex_match(read_all(reader.get()), std::regex("<22>[A-Z][a-z]{2} [ 0-9]\\d \\d\\d:\\d\\d:\\d\\d "
                                                            "facteur/smtpd\\[\\d+\\]: 4bXyZ: client=a")));
  log::attach(Fd(::dup(STDERR_FILENO)), log::Framing::line);
}
