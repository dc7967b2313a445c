// Where the log goes. The sockets of syslog and of the journal are handed to everybody; a file, and what stderr is, are
// master's alone: its processes write into a pipe, of which master writes to the file what comes. Who holds a file open
// can truncate it, or write over what others said; who holds the end of a pipe can only add to it.
#pragma once

#include <string>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/log/log.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"

namespace facteur::master {

class LogDestination {
 public:
  /// What one process writes to.
  struct End {
    Fd descriptor;
    log::Framing framing = log::Framing::line;
  };

  explicit LogDestination(loop::Loop& loop) : poll_(loop), retry_(loop) {}

  /// Opens the setting `log`: "stderr", "syslog" (/dev/log), "journal", or a file, which is appended to; opens it anew
  /// if it was open. With an error it stays as it was.
  [[nodiscard]] Result<> open(const std::string& setting);
  /// Master's own lines go there from now on: straight, so that the last words of a crash are not in a pipe.
  void attach();
  /// An end of its own for each process. Without a descriptor if none is left.
  [[nodiscard]] End make_end() const;
  /// Writes what is in the pipe: at the end, when its processes have gone.
  void drain();

 private:
  [[nodiscard]] Result<> open_pipe();
  [[nodiscard]] bool read_some();
  void write_out();
  void follow_rotation();

  loop::Poll poll_;
  loop::Timer retry_;
  std::string setting_;
  log::Framing framing_ = log::Framing::line;
  Fd destination_;
  Fd read_end_, write_end_;  ///< of the pipe
  std::string waiting_;      ///< read from it, not written yet
  MonotonicTime last_look_{};
};

}  // namespace facteur::master
