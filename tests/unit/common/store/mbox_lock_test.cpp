// Locks of an mbox, and what is no mbox of ours.
#include <csignal>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <thread>

#include "mbox_house.h"

using namespace facteur;
using namespace facteur::store;

TEST_CASE("MBX-08, MBX-09: locks of others are waited for with a bound, and stale dotlocks removed") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  deliver(path, "A: 1\r\n\r\n");
  const auto attempt = [&](Milliseconds wait = Milliseconds{40}) {
    return LockedMbox::open(path, false, waiting(wait), fs::system_files());
  };
  {
    const auto held = attempt();
    REQUIRE(held);
    CHECK(std::filesystem::exists(path + ".lock"));
    CHECK(attempt().error().kind == Kind::timeout);
  }
  CHECK_FALSE(std::filesystem::exists(path + ".lock"));
  write(path + ".lock", "99999\n");
  CHECK(attempt().error().kind == Kind::timeout);
  CHECK(std::filesystem::exists(path + ".lock"));
  using namespace std::chrono_literals;
  const auto long_ago = std::filesystem::file_time_type::clock::now() - 121s;
  std::filesystem::last_write_time(path + ".lock", long_ago);
  CHECK(attempt().error().kind == Kind::timeout);  // the mbox changes, so its writer lives
  std::filesystem::last_write_time(path, long_ago);
  CHECK(attempt());
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + 24h);
  std::filesystem::create_symlink("/tmp/facteur-nothing", path + ".lock");
  CHECK(attempt().error().kind == Kind::timeout);
  CHECK_FALSE(std::filesystem::exists("/tmp/facteur-nothing"));
  std::filesystem::remove(path + ".lock");
  std::filesystem::create_directory(path + ".lock");
  CHECK(attempt().error().kind == Kind::timeout);
  std::filesystem::remove(path + ".lock");
  ForeignFolder<fs::Files> foreign;
  CHECK(LockedMbox::open(path, false, waiting(Milliseconds{40}), foreign));
  // A session that cannot lock says so, and what it had still stands.
  const auto account = account_at(folder, fs::system_files(), Milliseconds{40});
  const auto inbox = open_in(*account, "INBOX");
  CHECK(now(*inbox)->records.size() == 1);
  const auto held = attempt();
  REQUIRE(held);
  CHECK(inbox->expunge(std::vector<Uid>{1}).error().kind == Kind::timeout);
}

TEST_CASE("MBX-10: what is no mbox of ours is refused") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  const auto attempt = [&] { return LockedMbox::open(path, true, waiting(Milliseconds{20}), fs::system_files()); };
  write(folder.path + "/other", "x\n");
  std::filesystem::create_symlink(folder.path + "/other", path);
  CHECK(attempt().error().kind == Kind::temporary);
  std::filesystem::remove(path);
  std::filesystem::create_hard_link(folder.path + "/other", path);
  CHECK(attempt().error().kind == Kind::temporary);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK_FALSE(attempt());
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(attempt().error().kind == Kind::temporary);
  std::filesystem::remove(path);
  for (const mode_t mode : {0666, 04600, 01600}) {
    write(path, "");
    ::chmod(path.c_str(), mode);
    CHECK(attempt().error().kind == Kind::temporary);
    std::filesystem::remove(path);
  }
  CHECK(attempt());
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("POP-08, MBX-08: the dotlock of a process of this machine dies with it") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  deliver(path, "A: 1\r\n\r\n");
  const auto attempt = [&] { return LockedMbox::open(path, false, waiting(Milliseconds{40}), fs::system_files()); };
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto held = attempt();
    ::_exit(held ? (::raise(SIGKILL), 1) : 2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(std::filesystem::exists(path + ".lock"));
  CHECK(attempt());
  // What names another machine, a process that lives, or nobody is left alone.
  struct utsname names{};
  REQUIRE(::uname(&names) == 0);
  const std::string here = names.nodename;
  const auto dead = std::to_string(child);
  for (const auto& content :
       {dead + ":elsewhere", dead, dead + ":", "1:" + here, std::to_string(::getpid()) + ":" + here, "-1:" + here,
        "0:" + here, ":" + here, std::string{}}) {
    write(path + ".lock", content);
    INFO(content);
    CHECK_FALSE(attempt());
    CHECK(std::filesystem::exists(path + ".lock"));
  }
}
