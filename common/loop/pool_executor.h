// The work pool as an Executor that knows how much it has still to do.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "common/base/executor.h"
#include "common/base/in_hand.h"
#include "common/loop/loop.h"

namespace facteur::loop {

/// Runs jobs on the pool of a loop. Destroyed with jobs under way, it lets them end but tells nobody.
class PoolExecutor : public Executor {
 public:
  explicit PoolExecutor(Loop& loop) : loop_(loop) {}

  [[nodiscard]] Ticket run(std::function<void()> work, std::function<void()> done) override {
    auto [ticket, answer] = ask<bool>([name = InHand::current(), done = std::move(done)](bool) {
      const InHand noted(name);
      done();
    });
    ++*jobs_;
    auto job = [name = InHand::current(), work = std::move(work)] {
      const InHand noted(name);
      work();
    };
    loop_.work_detached(std::move(job), [jobs = jobs_, reply = std::move(answer)]() mutable {
      --*jobs;
      reply(true);
    });
    return std::move(ticket);
  }
  /// Jobs begun and not ended, withdrawn ones too.
  [[nodiscard]] std::size_t jobs() const { return *jobs_; }

 private:
  Loop& loop_;
  std::shared_ptr<std::size_t> jobs_ = std::make_shared<std::size_t>(0);
};

}  // namespace facteur::loop
