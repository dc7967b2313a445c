#include "delivery/run/run_program.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/process/spawn_attributes.h"

namespace facteur::run {
namespace {

struct Actions {
  posix_spawn_file_actions_t value{};
  Actions() {
    posix_spawn_file_actions_init(&value);
    posix_spawn_file_actions_addopen(&value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&value, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&value, STDERR_FILENO + 1);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
};

Result<pid_t> start(const std::string& path, std::vector<std::string>& arguments) {
  arguments.insert(arguments.begin(), path);
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::string search = "PATH=/usr/bin:/bin";
  char* const environment[] = {search.data(), nullptr};
  const process::SpawnAttributes attributes;
  const Actions actions;
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, path.c_str(), &actions.value, attributes.get(), pointers.data(), environment);
  if (error != 0) return fail_errno("start " + path, error);
  return pid;
}

/// Whether the process has ended within this time.
bool ends_within(pid_t pid, Milliseconds most) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return true;  // no descriptor is left: it is waited for without a bound
  const auto end = monotonic_now() + most;
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(end - monotonic_now());
    pollfd wait{process.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max(left, Milliseconds{0}).count()));
    if (ready >= 0 || errno != EINTR) return ready != 0;
  }
}

}  // namespace

Result<int> run_program(const std::string& path, std::vector<std::string> arguments, Milliseconds most) {
  const auto pid = start(path, arguments);
  if (!pid) return fail(pid);
  const bool ended = ends_within(*pid, most);
  if (!ended) ::kill(*pid, SIGKILL);
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("waitpid", errno);
  }
  if (!ended) return fail(Kind::timeout, path + " did not end, and was killed");
  if (!WIFEXITED(status)) {
    return fail(Kind::temporary, path + " was killed by signal " + std::to_string(WTERMSIG(status)));
  }
  return WEXITSTATUS(status);
}

}  // namespace facteur::run
