#include "common/process/jail.h"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "catch.h"
#include "common/process/landlock.h"
#include "folder.h"

using namespace facteur;

namespace {

/// Runs a call in a child, which a jail would not let go; gives its exit status.
template <class Call>
int in_child(Call call) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    ::dup2(null.get(), STDOUT_FILENO);
    ::_exit(call());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct Folder : test::Folder {
  Folder() { ::chmod(path.c_str(), 0755); }
};

process::Identity identity(const Folder& folder) {
  process::Identity out;
  out.real_root = process::is_real_root();
  out.uid = out.gid = 61999;
  out.empty_root = folder.path;
  out.spool = folder.path;
  return out;
}

}  // namespace

TEST_CASE("no role can do what the self-test forbids") {
  const Folder folder;
  for (const auto& role : {process::roles::smtpd, process::roles::login, process::roles::authd, process::roles::queued,
                           process::roles::remote, process::roles::worker}) {
    CAPTURE(role.name);
    std::vector<process::Path> paths;
    if (role.name == std::string_view("authd")) paths.push_back({"/etc", false});
    CHECK(in_child([&] {
            if (!process::close_jail(role, identity(folder), paths, true)) return 99;
            return process::self_test(role);
          }) == 0);
  }
}

TEST_CASE("the self-test goes red without a jail") {
  CHECK(in_child([] { return process::self_test(process::roles::login); }) > 3);
}

TEST_CASE("a worker reaches its own folder and nothing beside it, and can still make threads") {
  const Folder mine;
  const Folder other;
  process::Identity who = identity(mine);
  if (who.real_root) REQUIRE(::chown(mine.path.c_str(), who.uid, who.gid) == 0);
  if (who.real_root) REQUIRE(::chown(other.path.c_str(), who.uid, who.gid) == 0);
  CHECK(in_child([&] {
          if (!process::close_jail(process::roles::worker, who, {{mine.path, true}}, true)) return 99;
          const std::string a = mine.path + "/a";
          const std::string b = mine.path + "/b";
          if (!Fd(::open(a.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600))) return 1;
          if (::rename(a.c_str(), b.c_str()) != 0) return 2;
          // Room for a file, and no holes in one.
          const Fd file(::open(b.c_str(), O_WRONLY | O_CLOEXEC));
          if (::posix_fallocate(file.get(), 0, 8192) != 0) return 5;
          if (::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0) return 6;
          if (Fd(::open((other.path + "/x").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600))) return 3;
          int ran = 0;
          std::thread([&] { ran = 1; }).join();
          return ran == 1 ? 0 : 4;
        }) == 0);
}

TEST_CASE("a jail is never closed around root") {
  if (!process::is_real_root()) {
    WARN("SKIPPED: needs root");
    return;
  }
  const Folder folder;
  auto who = identity(folder);
  who.uid = 0;
  CHECK(in_child([&] { return process::close_jail(process::roles::login, who, {}, true) ? 0 : 42; }) == 42);
}
