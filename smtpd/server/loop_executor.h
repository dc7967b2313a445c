// The work pool of a loop as an Executor.
#pragma once

#include "common/base/executor.h"
#include "common/loop/loop.h"

namespace facteur::smtpd {

class LoopExecutor final : public Executor {
 public:
  explicit LoopExecutor(loop::Loop& loop) : loop_(loop) {}
  [[nodiscard]] Ticket run(std::function<void()> work, std::function<void()> done) override {
    return loop_.work(std::move(work), std::move(done));
  }

 private:
  loop::Loop& loop_;
};

}  // namespace facteur::smtpd
