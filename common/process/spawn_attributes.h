// How every process that we start begins: with no signal blocked, ignored or handled, whatever its parent did.
#pragma once

#include <csignal>
#include <spawn.h>

namespace facteur::process {

class SpawnAttributes {
 public:
  /// `more` is added to the flags of posix_spawnattr_setflags(3).
  explicit SpawnAttributes(int more = 0) {
    posix_spawnattr_init(&value_);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&value_, &all);
    posix_spawnattr_setsigmask(&value_, &none);
    posix_spawnattr_setflags(&value_, static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | more));
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&value_); }

  [[nodiscard]] const posix_spawnattr_t* get() const { return &value_; }

 private:
  posix_spawnattr_t value_{};
};

}  // namespace facteur::process
