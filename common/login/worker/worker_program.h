// A worker of POP3 or IMAP sessions as a program: the mail of its account, its jail, its pool, its end.
#pragma once

#include "common/login/worker/session_worker.h"
#include "common/loop/pool_executor.h"
#include "common/process/program.h"

namespace facteur::login {

class WorkerProgram {
 public:
  /// Makes what is missing of the mail of the first account and opens the jail for it; ends the program if that fails.
  /// Before the jail.
  explicit WorkerProgram(process::Program& process);
  /// Serves sessions once the loop runs; behind the jail.
  void open(SessionWorker::Make make);
  [[nodiscard]] loop::PoolExecutor& pool() { return pool_; }

 private:
  process::Program& process_;
  loop::PoolExecutor pool_;
  std::unique_ptr<SessionWorker> worker_;
  loop::Timer tidy_timer_;
  Ticket tidying_;
};

}  // namespace facteur::login
