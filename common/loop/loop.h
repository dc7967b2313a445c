// The event loop of a process (libuv), its timers and its work pool. libuv's names stay inside this library.
#pragma once

#include <functional>
#include <memory>

#include "common/base/ticket.h"
#include "common/base/time.h"

namespace facteur::loop {

/// One event loop. Everything on it runs on the thread that calls run().
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(), or until nothing is left to wait for.
  void run();
  void stop();
  /// Runs what is ready now and returns: for tests.
  void turn();
  /// Runs `call` on this loop soon, never before this returns. From the loop's own thread.
  void post(std::function<void()> call);
  /// Runs `work` on the pool, then `done` on the loop. Both always run, unless the process ends first; `done` is not
  /// run when the ticket was dropped, though `work` is.
  [[nodiscard]] Ticket work(std::function<void()> work, std::function<void()> done);
  /// The same without a way to withdraw.
  void work_detached(std::function<void()> work, std::function<void()> done);
  /// Runs on the loop whenever a signal arrives; for the whole life of the loop.
  void on_signal(int signal, std::function<void()> handler);

  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Sets the threads of the work pool (UV_THREADPOOL_SIZE); before the first use of any loop's pool.
void set_pool_threads(unsigned threads);

/// A single alarm. Destroyed or stopped, it does not ring.
class Timer {
 public:
  explicit Timer(Loop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Rings once after `delay`; replaces what was set. The handler may destroy the timer.
  void start(Milliseconds delay, std::function<void()> handler);
  /// Rings every `period`.
  void repeat(Milliseconds period, std::function<void()> handler);
  void stop();
  [[nodiscard]] bool running() const;

 private:
  struct Impl;
  Impl* impl_;  ///< freed by libuv's close callback
};

/// Runs the handler once after `delay`, unless the Ticket is dropped before.
[[nodiscard]] Ticket after(Loop& loop, Milliseconds delay, std::function<void()> handler);

}  // namespace facteur::loop
