#include "auth/gate.h"

namespace facteur::auth {

bool Gate::run(std::function<void()> work, std::function<void()> done) {
  Job job{std::move(work), std::move(done)};
  if (running_ < at_once_) {
    start(std::move(job));
    return true;
  }
  if (queue_.size() >= waiting_) return false;
  queue_.push_back(std::move(job));
  return true;
}

void Gate::start(Job job) {
  ++running_;
  loop_.work_detached(std::move(job.work), [this, alive = std::weak_ptr(alive_), done = std::move(job.done)] {
    if (alive.expired()) return;
    --running_;
    if (!queue_.empty()) {
      Job next = std::move(queue_.front());
      queue_.pop_front();
      start(std::move(next));
    }
    done();
  });
}

}  // namespace facteur::auth
