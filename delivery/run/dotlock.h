// The dotlock of one mbox, taken by Debian's dotlockfile(1): it is set-group-id mail, and makes lock files in the
// system's mail folder for the owner of the mbox beside them.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "common/base/fd.h"
#include "common/base/time.h"
#include "delivery/run/doors.h"

namespace facteur::run {

class Dotlock {
 public:
  /// `program` is dotlockfile, or what acts like it.
  Dotlock(std::string mbox, std::string program);
  Dotlock(const Dotlock&) = delete;
  Dotlock& operator=(const Dotlock&) = delete;
  ~Dotlock() { give_back(); }

  /// One attempt. The lock holds our pid, so that it is nobody's once we are no more: a lock of a process that is gone
  /// is taken over at once, one without a pid after 5 minutes.
  [[nodiscard]] Locked take();
  [[nodiscard]] bool taken() const { return static_cast<bool>(file_); }
  /// Makes it young again: programs that do not look for the pid take an old lock for a leftover.
  void refresh();
  /// Removes it, unless it has become another's meanwhile.
  void give_back();

 private:
  /// What tells one lock file from the next.
  struct Stamp {
    ino_t inode = 0;
    timespec changed{};
  };
  [[nodiscard]] std::string hindrance() const;
  [[nodiscard]] bool was_refused_just_now() const;
  [[nodiscard]] Locked refused(int status);
  [[nodiscard]] Locked open_own();
  [[nodiscard]] bool is_ours() const;

  const std::string path_;  ///< of the lock
  const std::string program_;
  Fd file_;  ///< the lock, while it is ours
  std::optional<Stamp> refused_;
  MonotonicTime refused_at_{};
};

}  // namespace facteur::run
