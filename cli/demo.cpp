#include "cli/demo.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/demo_folder.h"
#include "cli/demo_ports.h"
#include "cli/demo_report.h"
#include "common/base/fd.h"
#include "common/fs/files.h"

namespace facteur::cli {
namespace {

constexpr int ready_within_ms = 60000;
constexpr Seconds failing_shows_after{4};
constexpr std::size_t failures_shown = 3;  ///< of one program: it will never start
constexpr int starts_for_ports = 5;
constexpr Seconds end_within{15};

/// The datagram socket on which facteurd says that it is ready (sd_notify(3)).
struct ReadySocket {
  std::string path;
  Fd socket;
  explicit ReadySocket(const std::string& folder)
      : path(folder + "/ready"), socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
      socket.reset();
      return;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ::unlink(path.c_str());
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) socket.reset();
  }
  ReadySocket(const ReadySocket&) = delete;
  ReadySocket& operator=(const ReadySocket&) = delete;
  ~ReadySocket() { ::unlink(path.c_str()); }
};

/// SIGINT, SIGTERM and SIGCHLD as something to poll.
Fd watch_signals(sigset_t& signals) {
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return Fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

int take_signal(const Fd& signals) {
  signalfd_siginfo info{};
  return ::read(signals.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

/// A child of ours; ends with us whatever happens to us.
pid_t start(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
            const sigset_t& signals, bool own_group) {
  const pid_t parent = ::getpid();
  std::vector<char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(EX_OSERR);
  if (own_group) ::setpgid(0, 0);  // Ctrl-C is ours; we tell it to end
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::execvp(pointers[0], pointers.data());
  std::fprintf(stderr, "facteur: cannot run %s: %s\n", pointers[0], std::strerror(errno));
  ::_exit(EX_OSERR);
}

/// The end of a child, if it has ended: its exit status as a shell has it.
std::optional<int> ended(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) return std::nullopt;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// A program that ended this often, by the lines in which facteurd says so; empty if there is none.
std::string program_that_fails(std::string_view log) {
  constexpr std::string_view mark = ": process ";
  std::map<std::string, std::size_t> ends;
  for (auto at = log.find(mark); at != log.npos; at = log.find(mark, at)) {
    at += mark.size();
    const auto name = log.substr(at, log.find_first_of(" \n", at) - at);
    if (++ends[std::string(name)] >= failures_shown) return std::string(name);
  }
  return "";
}

/// A running demo.
class Running {
 public:
  /// With `may_change_ports` a port that was taken meanwhile is no reason to complain.
  Running(const DemoFolder& folder, bool may_change_ports)
      : folder_(folder), may_change_ports_(may_change_ports), signals_(watch_signals(set_)) {}

  /// True if run() ended at once because somebody else had taken a port that was free when it was chosen.
  [[nodiscard]] bool lost_a_port() const { return lost_a_port_; }

  int run(const DemoOptions& options) {
    const ReadySocket ready(folder_.path);
    if (!ready.socket) return complain(EX_CANTCREAT, "cannot make a socket in " + folder_.path);
    std::error_code ignored;
    const auto programs = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    log_before_ = log_text().size();
    facteurd_ =
        start({programs / "facteurd", "--config", folder_.config_file()}, {{"NOTIFY_SOCKET", ready.path}}, set_, true);
    if (facteurd_ < 0) return complain(EX_OSERR, "cannot start facteurd");
    if (const int failed = wait_until_ready(ready.socket); failed != EX_OK) return stop(failed);
    if (options.json) {
      std::printf("%s\n", describe_demo_as_json(folder_, facteurd_).c_str());
    } else if (options.exec.empty()) {
      std::printf("%s", describe_demo(folder_).c_str());
    }
    std::fflush(stdout);
    return stop(options.exec.empty() ? serve() : execute(options.exec));
  }

 private:
  int wait_until_ready(const Fd& ready) {
    const auto started = monotonic_now();
    while (monotonic_now() < started + Milliseconds{ready_within_ms}) {
      pollfd polled[] = {{ready.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
      if (::poll(polled, 2, 1000) <= 0) {
        if (monotonic_now() < started + failing_shows_after) continue;
        const auto failing = program_that_fails(said_since_start());
        if (failing.empty()) continue;
        return complain_with_log(failing + " ends again and again");
      }
      char text[64] = {};
      if ((polled[0].revents & POLLIN) != 0 && ::recv(ready.get(), text, sizeof text - 1, 0) > 0 &&
          std::string_view(text).starts_with("READY=1")) {
        return EX_OK;
      }
      const int signal = take_signal(signals_);
      if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) return EX_TEMPFAIL;
      if (signal == SIGCHLD && facteurd_ended()) return did_not_start();
    }
    return complain_with_log("facteurd was not ready in time");
  }

  int did_not_start() {
    if (may_change_ports_ && is_one_taken(folder_.chosen_ports)) {
      lost_a_port_ = true;
      return EX_UNAVAILABLE;
    }
    return complain_with_log("facteurd did not start");
  }

  [[nodiscard]] std::string log_text() const { return fs::read_file(folder_.settings.log).value_or(""); }

  [[nodiscard]] std::string said_since_start() const {
    auto log = log_text();
    return log.erase(0, std::min(log_before_, log.size()));
  }

  /// The folder may be gone in a moment: what its log says is told here.
  [[nodiscard]] int complain_with_log(const std::string& what) const {
    constexpr std::size_t most = 4000;
    std::string said = log_text();
    if (said.size() > most) said.erase(0, said.size() - most);
    return complain(EX_UNAVAILABLE, what + (said.empty() ? "" : "; it said:\n" + said));
  }

  bool facteurd_ended() {
    const auto status = ended(facteurd_);
    if (status) facteurd_ = -1;
    return status.has_value();
  }

  int serve() {
    for (;;) {
      const int signal = wait_for_signal();
      if (signal == SIGCHLD && facteurd_ended()) return complain(EX_SOFTWARE, "facteurd ended");
      if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) return EX_OK;
    }
  }

  int execute(const std::string& command) {
    const pid_t child = start({"/bin/sh", "-c", command}, demo_environment(folder_), set_, false);
    if (child < 0) return complain(EX_OSERR, "cannot start sh");
    for (;;) {
      const int signal = wait_for_signal();
      if (const auto status = ended(child)) return *status;
      if (signal == SIGCHLD && facteurd_ended()) {
        ::kill(child, SIGTERM);
        return complain(EX_SOFTWARE, "facteurd ended");
      }
      if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) ::kill(child, signal == SIGINT ? SIGINT : SIGTERM);
    }
  }

  int wait_for_signal() {
    for (;;) {
      pollfd polled{signals_.get(), POLLIN, 0};
      if (::poll(&polled, 1, -1) > 0) return take_signal(signals_);
    }
  }

  int stop(int code) {
    if (facteurd_ < 0) return code;
    ::kill(facteurd_, SIGTERM);
    const auto deadline = monotonic_now() + end_within + 3 * folder_.settings.stop_grace;
    while (monotonic_now() < deadline && !facteurd_ended()) {
      pollfd polled{signals_.get(), POLLIN, 0};
      if (::poll(&polled, 1, 1000) > 0) (void)take_signal(signals_);
    }
    if (facteurd_ > 0) ::kill(facteurd_, SIGKILL);  // its children end with their doors
    return code;
  }

  const DemoFolder& folder_;
  bool may_change_ports_;
  bool lost_a_port_ = false;
  std::size_t log_before_ = 0;
  sigset_t set_{};
  Fd signals_;
  pid_t facteurd_ = -1;
};

}  // namespace

int demo(const DemoOptions& options) {
  auto folder = prepare_demo_folder(options);
  if (!folder) return complain(EX_CONFIG, folder.error().text);
  int code = EX_OK;
  for (int start = 1;; ++start) {
    Running running(*folder, start < starts_for_ports);
    code = running.run(options);
    if (!running.lost_a_port()) break;
    if (const auto chosen = choose_other_ports(*folder, options); !chosen) {
      code = complain(EX_UNAVAILABLE, chosen.error().text);
      break;
    }
  }
  remove_if_temporary(*folder);
  return code;
}

}  // namespace facteur::cli
