#include "cli/demo.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/demo_folder.h"
#include "cli/demo_ports.h"
#include "cli/demo_process.h"
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
constexpr Seconds command_grace{3};  ///< of CMD, for the signal that we got
constexpr Milliseconds command_look{200};

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
  Running(const DemoFolder& folder, bool may_change_ports) : folder_(folder), may_change_ports_(may_change_ports) {}

  /// True if run() ended at once because somebody else had taken a port that was free when it was chosen.
  [[nodiscard]] bool lost_a_port() const { return lost_a_port_; }

  int run(const DemoOptions& options) {
    const ReadySocket ready(folder_.path);
    if (!ready.socket) return complain(EX_CANTCREAT, "cannot make a socket in " + folder_.path);
    log_before_ = log_text().size();
    facteurd_ = start_process({programs_folder() + "/facteurd", "--config", folder_.config_file()},
                              {{"NOTIFY_SOCKET", ready.path}}, signals_);
    if (facteurd_ < 0) return complain(EX_OSERR, "cannot start facteurd");
    if (const int failed = wait_until_ready(ready.socket); failed != EX_OK) return stop(failed);
    ready_ = true;
    make_mail_of_accounts(folder_);
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
      pollfd polled[] = {{ready.get(), POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}};
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
      const int signal = signals_.take();
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
    if (!status) return false;
    facteurd_ = -1;
    status_of_facteurd_ = *status;
    return true;
  }

  [[nodiscard]] int facteurd_died() const {
    return complain(EX_SOFTWARE, "facteurd ended with status " + std::to_string(status_of_facteurd_));
  }

  int serve() {
    for (;;) {
      const int signal = signals_.wait();
      if (signal == SIGCHLD && facteurd_ended()) return facteurd_died();
      if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) return EX_OK;
    }
  }

  int execute(const std::string& text) {
    Command command(text, demo_environment(folder_), signals_);
    if (!command.started()) return complain(EX_OSERR, "cannot start sh");
    std::optional<MonotonicTime> patience;  ///< from when on it has been told to end
    while (!command.status() && !(patience && monotonic_now() > *patience + command_grace)) {
      const int signal = signals_.wait(patience ? std::optional<Milliseconds>(command_look) : std::nullopt);
      if (signal == SIGCHLD && facteurd_ended()) {
        (void)command.end(facteurd_);
        return facteurd_died();
      }
      if (signal != SIGTERM && signal != SIGINT && signal != SIGHUP) continue;
      command.tell(signal == SIGINT ? SIGINT : SIGTERM);
      if (!patience) patience = monotonic_now();
    }
    return command.end(facteurd_);
  }

  /// A facteurd that breaks at its end breaks the demo: what crashes there is seen. Before it was ready the signal
  /// itself may have ended it.
  int stop(int code) {
    if (facteurd_ < 0) return code;
    ::kill(facteurd_, SIGTERM);
    const auto deadline = monotonic_now() + end_within + 3 * folder_.settings.stop_grace;
    while (monotonic_now() < deadline && !facteurd_ended()) {
      (void)signals_.wait(Milliseconds{1000});
    }
    if (facteurd_ > 0) {
      ::kill(facteurd_, SIGKILL);  // its children end with their doors
      return complain(EX_SOFTWARE, "facteurd did not end in time and was killed");
    }
    return !ready_ || status_of_facteurd_ == EX_OK ? code : facteurd_died();
  }

  const DemoFolder& folder_;
  bool may_change_ports_;
  bool lost_a_port_ = false;
  bool ready_ = false;
  std::size_t log_before_ = 0;
  Signals signals_;
  pid_t facteurd_ = -1;
  int status_of_facteurd_ = EX_OK;  ///< as a shell has it, when it has ended
};

}  // namespace

int demo(const DemoOptions& options) {
  if (const auto free = check_not_served(options); !free) return complain(EX_UNAVAILABLE, free.error().text);
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
