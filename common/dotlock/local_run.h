// A worker's side of local-run: dotlocks where the jail lets the worker make no file.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "common/base/fd.h"
#include "common/process/program.h"
#include "common/store/mbox/lock.h"
#include "delivery/run/doors.h"

namespace facteur::dotlock {

/// Asks the local-run of this worker for the dotlock of one mbox. Threads of the pool speak with it directly, one at a
/// time: who comes while another has the lock, or asks for it, hears that it is held.
class LocalRun final : public store::DotlockKeeper, public std::enable_shared_from_this<LocalRun> {
 public:
  /// `send_for` asks master for a local-run, from any thread, and gives false if it cannot now; the answer is come().
  LocalRun(std::string mbox, std::function<bool()> send_for);

  /// The door to a new local-run, from the loop: it takes the place of one that is gone.
  void come(Fd socket);
  [[nodiscard]] Result<Answer> take(const std::string& mbox, Milliseconds most) override;

 private:
  [[nodiscard]] std::shared_ptr<const Fd> wait_for_one(MonotonicTime end);
  template <class Answered, class Question>
  [[nodiscard]] Result<Answered> ask(const std::shared_ptr<const Fd>& door, MonotonicTime end);
  [[nodiscard]] Result<Answer> attempt(MonotonicTime end);
  [[nodiscard]] Result<Answer> answer_of(const run::Locked& said, std::shared_ptr<const Fd> door);
  void give_back(const std::shared_ptr<const Fd>& door);

  const std::string mbox_;
  const std::function<bool()> send_for_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Fd> door_;
  bool busy_ = false;           ///< somebody of this process has the lock or asks for it
  MonotonicTime sent_for_{};    ///< when master was asked last
  MonotonicTime none_until_{};  ///< there is no dotlock to be had: until then nobody is asked
};

/// The keeper for the mbox of the first account of a worker; null where none is needed, or none can be had: then that
/// is said in the log. Before the loop runs.
[[nodiscard]] std::shared_ptr<store::DotlockKeeper> keeper_for(process::Program& program);

}  // namespace facteur::dotlock
