// The work pool, a few jobs of one kind at a time: hashing may take one thread a core, a slow saslauthd a few, and
// neither keeps the other waiting.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "common/loop/loop.h"

namespace facteur::auth {

class Gate {
 public:
  /// At most `at_once` jobs on the pool, at most `waiting` behind them.
  Gate(loop::Loop& loop, std::size_t at_once, std::size_t waiting)
      : loop_(loop), at_once_(at_once), waiting_(waiting) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Runs `work` on the pool, then `done` on the loop, never before this returns. False, and neither runs, when too
  /// many wait already.
  [[nodiscard]] bool run(std::function<void()> work, std::function<void()> done);
  [[nodiscard]] std::size_t running() const { return running_; }

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> done;
  };
  void start(Job job);

  loop::Loop& loop_;
  std::size_t at_once_;
  std::size_t waiting_;
  std::size_t running_ = 0;
  std::deque<Job> queue_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace facteur::auth
