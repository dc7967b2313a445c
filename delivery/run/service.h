// What local-run does for its worker, until one of the two ends.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/time.h"
#include "common/ipc/door.h"
#include "common/loop/loop.h"
#include "delivery/run/dotlock.h"

namespace facteur::run {

class Service {
 public:
  struct Times {
    /// The shortest age at which a program on a Debian host takes a lock for a leftover is two minutes (Dovecot's
    /// mbox_dotlock_change_timeout; lockfile_create(3) has five).
    Milliseconds refresh{30000};
    /// Without the door of a worker by then it ends.
    Milliseconds worker{60000};
  };

  /// `end` ends the program: the worker is gone, and its lock with it.
  Service(loop::Loop& loop, std::string mbox, std::string dotlockfile, std::function<void()> end, Times times);

  /// The door of the worker. There is one in a life: others are closed.
  void serve(std::unique_ptr<ipc::Door> door);
  /// Leaves no lock behind.
  void shut_down();

 private:
  void lock();
  void unlock();

  Dotlock lock_;
  std::unique_ptr<ipc::Door> door_;
  loop::Timer timer_;
  const Times times_;
  std::function<void()> end_;
};

}  // namespace facteur::run
