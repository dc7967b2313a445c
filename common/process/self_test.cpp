// What --self-test-jail tries once the jail is closed.
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/process/jail.h"

namespace facteur::process {
namespace {

bool can_open(const char* path, int flags) {
  return static_cast<bool>(Fd(::open(path, flags | O_CLOEXEC, 0600)));
}

bool read_passwd() {
  return can_open("/etc/passwd", O_RDONLY) || can_open("/proc/self/environ", O_RDONLY);
}

bool write_elsewhere() {
  for (const char* path : {"/tmp/facteur-self-test", "/facteur-self-test", "/var/tmp/facteur-self-test"}) {
    if (can_open(path, O_WRONLY | O_CREAT)) {
      ::unlink(path);
      return true;
    }
  }
  return false;
}

bool connect_inet() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Refused by the other side is allowed by ours.
  return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == ECONNREFUSED ||
         errno == EINPROGRESS;
}

bool unix_socket() {
  return static_cast<bool>(Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

bool run_program() {
  // A plain fork is refused as well; where it is not, the child tries to run something.
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return true;
}

bool replace_itself() {
  // Of a program that is not there: allowed would be ENOENT, refused is EPERM.
  const char* arguments[] = {"none", nullptr};
  ::execve("/nonexistent", const_cast<char* const*>(arguments), nullptr);
  return errno != EPERM && errno != EACCES;
}

bool become_root() {
  return ::setuid(0) == 0;
}

bool trace_parent() {
  // Seizing does not stop the parent, and ends with this process.
  return ::ptrace(PTRACE_SEIZE, ::getppid(), nullptr, nullptr) == 0;
}

bool signal_parent() {
  return ::kill(::getppid(), SIGCONT) == 0;  // does nothing to a process that runs
}

bool limit_parent() {
  rlimit limits{};
  return ::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, &limits) == 0;
}

bool use_io_uring() {
  std::array<char, 256> parameters{};
  return static_cast<bool>(Fd(static_cast<int>(::syscall(SYS_io_uring_setup, 1, parameters.data()))));
}

bool leave_chroot() {
  return ::chroot(".") == 0;
}

bool type_into_terminal() {
  // Without a terminal, allowed would be ENOTTY.
  const char octet = ' ';
  return ::ioctl(STDIN_FILENO, TIOCSTI, &octet) == 0 || errno != EPERM;
}

struct Act {
  const char* what;
  bool (*attempt)();
  unsigned allowed_with;  ///< a right that makes it legal
};

constexpr Act acts[] = {
    {"open /etc/passwd", read_passwd, 0},
    {"write outside its folders", write_elsewhere, 0},
    {"connect to another host", connect_inet, inet_sockets},
    {"make a Unix socket", unix_socket, unix_sockets},
    {"start a process", run_program, 0},
    {"run a program", replace_itself, 0},
    {"become root", become_root, 0},
    {"trace another process", trace_parent, 0},
    {"signal another process", signal_parent, 0},
    {"reach the limits of another process", limit_parent, 0},
    {"type into a terminal", type_into_terminal, 0},
    {"use io_uring", use_io_uring, 0},
    {"change its root", leave_chroot, 0},
};

}  // namespace

int self_test(const Role& role) {
  int wrong = 0;
  for (const auto& act : acts) {
    const bool done = act.attempt();
    const bool legal = (act.allowed_with & role.rights) != 0;
    // authd is the one reader of the system's users.
    const bool reads_users = act.attempt == read_passwd && std::string_view(role.name) == roles::authd.name;
    if (done && !legal && !reads_users) ++wrong;
    std::printf("%s: %s\n", done ? (legal || reads_users ? "allowed by its role" : "ALLOWED") : "refused", act.what);
  }
  std::printf("%s: %s\n", role.name, wrong == 0 ? "the jail holds" : "THE JAIL DOES NOT HOLD");
  return wrong;
}

}  // namespace facteur::process
