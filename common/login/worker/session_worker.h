// What the workers of POP3 and IMAP sessions share: sessions come from master, end by themselves, and when there have
// been none for a while the worker asks master whether it may end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "common/base/time.h"
#include "common/ipc/door.h"
#include "common/loop/loop.h"
#include "common/loop/pool_executor.h"
#include "master/doors.h"

namespace facteur::login {

/// One client behind its login, in a worker.
class WorkerSession {
 public:
  virtual ~WorkerSession() = default;
  virtual void start() = 0;
  /// The server goes down: says so where the protocol allows, then ends.
  virtual void shut_down() = 0;
};

class SessionWorker {
 public:
  /// Makes the session of a client. `finished` is called once, when it is over; the session is destroyed later, not
  /// within that call.
  using Make = std::function<std::unique_ptr<WorkerSession>(master::Session client, std::function<void()> finished)>;

  /// `master` and `pool` must outlive this. `end` ends the program: master allowed it, or shut_down() is done.
  SessionWorker(loop::Loop& loop, ipc::Door& master, loop::PoolExecutor& pool, Make make, std::function<void()> end);
  ~SessionWorker();
  SessionWorker(const SessionWorker&) = delete;
  SessionWorker& operator=(const SessionWorker&) = delete;

  /// How long to stay without sessions (`worker_idle_timeout`).
  void set_idle_time(Seconds idle_time);
  /// Takes no more sessions, ends those there are, then the program.
  void shut_down();
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  void take(master::Session client);
  void finished(std::uint64_t number);
  void rest();
  void ask_to_end();

  loop::Loop& loop_;
  ipc::Door& master_;
  loop::PoolExecutor& pool_;
  Make make_;
  std::function<void()> end_;
  loop::Timer timer_;
  Seconds idle_time_{60};
  std::map<std::uint64_t, std::unique_ptr<WorkerSession>> sessions_;
  std::uint64_t seen_ = 0;  ///< Session messages that came
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace facteur::login
