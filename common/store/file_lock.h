// Locks on files that belong to the open file, not to the process (fcntl(2), open file description locks): two sessions
// of one process exclude each other too, and closing another descriptor of the file does not drop the lock.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"

namespace facteur::store {

/// Holds the exclusive lock of an open file, and gives it back at the end. The descriptor must outlive it.
class FileLock {
 public:
  /// Tries until `most` has passed; then Kind::timeout. `what` names the file in the error.
  [[nodiscard]] static Result<FileLock> take(int fd, Milliseconds most, std::string_view what);
  FileLock() = default;
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { release(); }
  void release();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

/// Calls `attempt` at growing intervals (1 to 50 ms) until it gives true or an error, or `most` has passed.
template <class Attempt>
[[nodiscard]] Result<bool> try_until(Milliseconds most, Attempt attempt);

/// Sleeps; interrupted by no signal.
void pause_for(Milliseconds time);

template <class Attempt>
Result<bool> try_until(Milliseconds most, Attempt attempt) {
  const auto end = monotonic_now() + most;
  for (Milliseconds step{1};; step = std::min(step * 2, Milliseconds{50})) {
    const Result<bool> done = attempt();
    if (!done || *done) return done;
    if (monotonic_now() + step > end) return false;
    pause_for(step);
  }
}

}  // namespace facteur::store
