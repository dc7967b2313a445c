#include "cli/demo_process.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <set>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/fs/files.h"

namespace facteur::cli {
namespace {

constexpr Seconds end_grace{3};  ///< between SIGTERM and SIGKILL
constexpr int end_look_ms = 20;

/// The controlling terminal, if we are in its foreground.
Fd own_terminal() {
  Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (terminal && ::tcgetpgrp(terminal.get()) != ::getpgrp()) terminal.reset();
  return terminal;
}

/// Gives a terminal to a group. Who does so from the background would be stopped for it.
void give_terminal(int terminal, pid_t group) {
  if (terminal < 0) return;
  sigset_t stop{};
  sigset_t before{};
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &stop, &before);
  (void)::tcsetpgrp(terminal, group);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

/// All children that we have now, adopted ones included.
std::set<pid_t> children() {
  const auto self = std::to_string(::getpid());
  const auto text = fs::read_file("/proc/self/task/" + self + "/children");
  std::set<pid_t> out;
  if (!text) return out;
  for (const auto word : split(*text, ' ')) {
    if (const auto pid = parse_number<pid_t>(word)) out.insert(*pid);
  }
  return out;
}

}  // namespace

Signals::Signals() {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set_, signal);
  ::sigprocmask(SIG_BLOCK, &set_, nullptr);
  fd_ = Fd(::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
}

int Signals::take() const {
  signalfd_siginfo info{};
  return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

int Signals::wait(std::optional<Milliseconds> most) const {
  pollfd polled{fd_.get(), POLLIN, 0};
  for (;;) {
    const int ready = ::poll(&polled, 1, most ? static_cast<int>(most->count()) : -1);
    if (ready > 0) return take();
    if (ready == 0 || errno != EINTR) return 0;
  }
}

pid_t start_process(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                    const Signals& signals, int terminal) {
  const pid_t parent = ::getpid();
  std::vector<char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child > 0) (void)::setpgid(child, child);  // whoever of us is first: it must not be missed by a kill
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(EX_OSERR);
  (void)::setpgid(0, 0);
  give_terminal(terminal, ::getpid());
  ::sigprocmask(SIG_UNBLOCK, &signals.set(), nullptr);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::execvp(pointers[0], pointers.data());
  std::fprintf(stderr, "facteur: cannot run %s: %s\n", pointers[0], std::strerror(errno));
  ::_exit(EX_OSERR);
}

int shell_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::optional<int> ended(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) return std::nullopt;
  return shell_status(status);
}

Command::Command(const std::string& command, const std::map<std::string, std::string>& environment,
                 const Signals& signals)
    : terminal_(own_terminal()) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  group_ = start_process({"/bin/sh", "-c", command}, environment, signals, terminal_.get());
}

Command::~Command() {
  give_terminal(terminal_.get(), ::getpgrp());
}

std::optional<int> Command::status() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-group_, &status, WNOHANG | WUNTRACED)) > 0;) {
    if (pid != group_) continue;
    if (WIFSTOPPED(status)) {
      stop_with_it();
    } else {
      status_ = shell_status(status);
    }
  }
  return status_;
}

/// Ctrl-Z on a terminal: the shell that started us shall notice, and its `fg` shall wake both of us.
void Command::stop_with_it() const {
  if (!terminal_) return;
  give_terminal(terminal_.get(), ::getpgrp());
  ::kill(0, SIGSTOP);
  if (::tcgetpgrp(terminal_.get()) == ::getpgrp()) give_terminal(terminal_.get(), group_);
  tell(SIGCONT);
}

void Command::tell(int signal) const {
  ::kill(-group_, signal);
}

/// True if nothing is left.
bool Command::end_by(int signal, pid_t keep) {
  tell(signal);
  tell(SIGCONT);  // what is stopped cannot end
  std::set<pid_t> told;
  const auto deadline = monotonic_now() + end_grace;
  for (;;) {
    (void)status();
    auto left = children();
    left.erase(keep);
    for (const pid_t pid : left) {
      if (pid == group_) continue;  // status() keeps what it ended with
      if (::getpgid(pid) != group_ && told.insert(pid).second) ::kill(pid, signal);
      (void)ended(pid);
    }
    const bool group_is_gone = ::kill(-group_, 0) < 0 && errno == ESRCH;
    if (group_is_gone && left.empty()) return true;
    if (monotonic_now() > deadline) return false;
    ::poll(nullptr, 0, end_look_ms);
  }
}

int Command::end(pid_t keep) {
  if (!end_by(SIGTERM, keep)) (void)end_by(SIGKILL, keep);
  constexpr int killed = 128 + SIGKILL;
  return status_.value_or(killed);
}

}  // namespace facteur::cli
