// A process that master started: what is known of it while it lives.
#pragma once

#include <memory>
#include <string>
#include <sys/types.h>

#include "auth/doors.h"
#include "common/base/time.h"
#include "common/ipc/door.h"

namespace facteur::master {

struct Child {
  std::string program;
  std::uint32_t instance = 0;
  std::uint32_t generation = 0;
  unsigned index = 0;  ///< which of several of the program
  pid_t pid = -1;
  std::uint32_t uid = 0;
  std::string worker_key;  ///< workers: what they are shared by
  auth::Account account;   ///< workers: the one that they were started for
  std::unique_ptr<ipc::Door> door;
  Fd notes;  ///< what it has in hand, to be read when it has crashed
  MonotonicTime started = monotonic_now();
  bool ready = false;
  bool retiring = false;       ///< a newer generation serves, or it has been told that it may end
  std::uint64_t sessions = 0;  ///< Session messages sent to it
  MonotonicTime local_run{};   ///< when a local-run was started for it last
};

}  // namespace facteur::master
