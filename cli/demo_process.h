// The processes that a demo starts, and the signals it waits for.
#pragma once

#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "common/base/fd.h"
#include "common/base/time.h"

namespace facteur::cli {

/// SIGINT, SIGTERM, SIGHUP and SIGCHLD as something to poll.
class Signals {
 public:
  Signals();
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] const sigset_t& set() const { return set_; }
  /// The next one; 0 if there is none now.
  [[nodiscard]] int take() const;
  /// The next one, waited for; 0 when the time is over.
  [[nodiscard]] int wait(std::optional<Milliseconds> most = std::nullopt) const;

 private:
  sigset_t set_{};
  Fd fd_;
};

/// A child in a process group of its own; it is told to end when we end, whatever happens to us. -1: there is none.
/// `terminal` (or -1) becomes that group's.
[[nodiscard]] pid_t start_process(const std::vector<std::string>& arguments,
                                  const std::map<std::string, std::string>& environment, const Signals& signals,
                                  int terminal = -1);

/// A status of waitpid(2) as a shell has it.
[[nodiscard]] int shell_status(int status);
/// The end of a child, if it has ended.
[[nodiscard]] std::optional<int> ended(pid_t child);

/// CMD of --exec with all processes that it starts. They are a process group, which has the terminal if we had it; what
/// leaves the group becomes our child when its parent ends.
class Command {
 public:
  Command(const std::string& command, const std::map<std::string, std::string>& environment, const Signals& signals);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  [[nodiscard]] bool started() const { return group_ > 0; }
  /// The exit status of CMD itself, if it has ended.
  [[nodiscard]] std::optional<int> status();
  /// Passes a signal on to all of the group.
  void tell(int signal) const;
  /// Ends all that are left, by SIGTERM and a while later by SIGKILL; but for `keep`, another child of ours. Gives the
  /// status of CMD.
  [[nodiscard]] int end(pid_t keep);

 private:
  void stop_with_it() const;
  [[nodiscard]] bool end_by(int signal, pid_t keep);

  Fd terminal_;  ///< where we had the foreground
  pid_t group_ = -1;
  std::optional<int> status_;
};

}  // namespace facteur::cli
