#include "master/spawn.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <unistd.h>
#include <vector>

#include "common/ipc/door.h"
#include "common/process/program.h"
#include "common/process/spawn_attributes.h"

namespace facteur::master {
namespace {

struct Actions {
  posix_spawn_file_actions_t value{};
  Actions(int door, int errors) {
    posix_spawn_file_actions_init(&value);
    posix_spawn_file_actions_adddup2(&value, door, process::master_descriptor);
    posix_spawn_file_actions_addopen(&value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    // Nor what our standard error is: it may be a file, and whoever holds that can truncate it.
    if (errors >= 0) posix_spawn_file_actions_adddup2(&value, errors, STDERR_FILENO);
    if (errors < 0) posix_spawn_file_actions_addopen(&value, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&value, process::master_descriptor + 1);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
};

std::vector<std::string> environment() {
  std::vector<std::string> out{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  for (const char* name : {"TZ", "ASAN_OPTIONS", "LD_PRELOAD", "LD_LIBRARY_PATH"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

}  // namespace

std::string own_folder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

Result<Spawned> spawn(const std::string& folder, const std::string& program, int errors) {
  auto pair = ipc::make_pair();
  if (!pair) return fail(pair);
  // Above 3, so that the child's dup2 makes a new descriptor, without close-on-exec.
  const Fd theirs(::fcntl(pair->second.get(), F_DUPFD_CLOEXEC, process::master_descriptor + 1));
  if (!theirs) return fail_errno("start " + program, errno);
  std::string path = folder + "/" + program;
  std::string name = program;
  char* const arguments[] = {name.data(), nullptr};
  auto variables = environment();
  std::vector<char*> pointers;
  for (auto& variable : variables) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  // A session of its own: no terminal of whoever started us is theirs.
  const process::SpawnAttributes attributes(POSIX_SPAWN_SETSID);
  const Actions actions(theirs.get(), errors);
  Spawned out;
  const int error = ::posix_spawn(&out.pid, path.c_str(), &actions.value, attributes.get(), arguments, pointers.data());
  if (error != 0) return fail_errno("start " + path, error);
  out.door = std::move(pair->first);
  return out;
}

}  // namespace facteur::master
