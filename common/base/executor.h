// Where calls that block on files go: to the work pool of a server's loop, or to a queue that a test works off.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "common/base/ticket.h"

namespace facteur {

/// Runs jobs off the thread that asks.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Runs `work` on another thread (or later), then `done` on the thread of the caller, never before this returns. When
  /// the Ticket is dropped `done` does not run, but `work` may: it must own all that it touches.
  [[nodiscard]] virtual Ticket run(std::function<void()> work, std::function<void()> done) = 0;
};

/// An Executor without threads: jobs wait until turn() works them off.
class QueueExecutor : public Executor {
 public:
  [[nodiscard]] Ticket run(std::function<void()> work, std::function<void()> done) override {
    auto [ticket, answer] = ask<bool>([done = std::move(done)](bool) { done(); });
    jobs_.push_back({std::move(work), std::move(answer)});
    return std::move(ticket);
  }
  /// Runs one job; false if there is none.
  bool turn() {
    if (jobs_.empty()) return false;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    job.work();
    job.done(true);
    return true;
  }
  /// Runs jobs until none is left, those that come up meanwhile too.
  void drain() {
    while (turn()) {
    }
  }

 private:
  struct Job {
    std::function<void()> work;
    Answer<bool> done;
  };
  std::deque<Job> jobs_;
};

}  // namespace facteur
