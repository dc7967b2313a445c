#include "delivery/run/run_program.h"

#include <csignal>
#include <fcntl.h>

#include "catch.h"
#include "common/base/fd.h"
#include "fake.h"

using namespace facteur;
using namespace facteur::run;

namespace {
constexpr Milliseconds enough{10000};
}

TEST_CASE("a program runs to its end and tells its status") {
  CHECK(run_program("/bin/true", {}, enough) == 0);
  CHECK(run_program("/bin/sh", {"-c", "exit 7"}, enough) == 7);
  // What stands in an argument is no shell's to read.
  const Fake fake;
  fake.act("[ \"$#\" = 2 ] && [ \"$1\" = '$(exit 3) ; *' ] && [ \"$2\" = '' ]");
  CHECK(run_program(fake.program, {"$(exit 3) ; *", ""}, enough) == 0);
}

TEST_CASE("a program that cannot be started, is killed, or does not end") {
  CHECK(run_program("/nonexistent/program", {}, enough).error().errno_value == ENOENT);
  CHECK(run_program("/bin/sh", {"-c", "kill -KILL $$"}, enough).error().kind == Kind::temporary);
  const auto begun = monotonic_now();
  CHECK(run_program("/bin/sleep", {"60"}, Milliseconds{50}).error().kind == Kind::timeout);
  CHECK(monotonic_now() - begun < Seconds{10});
}

TEST_CASE("a program inherits nothing but /dev/null and a path to look for programs") {
  const Fake fake;
  // One that close-on-exec was forgotten for, and a number above all that are open.
  const Fd secret(::open(fake.program.c_str(), O_RDONLY));
  const Fd high(::fcntl(secret.get(), F_DUPFD, 200));
  REQUIRE(high);
  ::setenv("LD_PRELOAD", "/nonexistent/library", 1);
  ::setenv("FACTEUR_SECRET", "word", 1);
  ::signal(SIGPIPE, SIG_IGN);
  fake.act(
      "cd " + fake.folder +
      "\nls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> /\\1 /p' >fds\ncat /proc/self/environ | tr '\\0' '\\n' "
      ">environment\ngrep SigIgn /proc/self/status >ignored");
  CHECK(run_program(fake.program, {}, enough) == 0);
  ::unsetenv("LD_PRELOAD");
  ::unsetenv("FACTEUR_SECRET");
  ::signal(SIGPIPE, SIG_DFL);
  const auto fds = Fake::read(fake.folder + "/fds");
  INFO(fds);
  CHECK(fds.find("0 /dev/null\n") != fds.npos);
  CHECK(fds.find("2 /dev/null\n") != fds.npos);
  CHECK(fds.find(fake.program) == fds.npos);
  CHECK(fds.find("200 ") == fds.npos);
  const auto environment = Fake::read(fake.folder + "/environment");
  CHECK(environment.find("PATH=/usr/bin:/bin\n") != environment.npos);
  CHECK(environment.find("SECRET") == environment.npos);
  CHECK(environment.find("LD_PRELOAD") == environment.npos);
  const auto ignored = Fake::read(fake.folder + "/ignored");
  CHECK((std::stoull(ignored.substr(ignored.find('\t')), nullptr, 16) & 1ULL << (SIGPIPE - 1)) == 0);
}
