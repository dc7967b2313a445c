// Work on the pool with a result, for objects of the loop.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/loop/loop.h"

namespace facteur::queue {

/// Runs calls on the work pool and hands their results to the loop, as long as the Pool lives: it is a member of the
/// object that its callbacks belong to. The work itself always runs and must own all it touches.
class Pool {
 public:
  explicit Pool(loop::Loop& loop) : loop_(loop) {}
  [[nodiscard]] loop::Loop& loop() { return loop_; }

  template <class Work, class Done>
  void run(Work work, Done done) {
    using Value = std::invoke_result_t<Work>;
    auto value = std::make_shared<std::optional<Value>>();
    loop_.work_detached([value, work = std::move(work)]() mutable { value->emplace(work()); },
                        [value, done = std::move(done), alive = std::weak_ptr<bool>(alive_)]() mutable {
                          if (!alive.expired()) done(std::move(**value));
                        });
  }
  /// The callback of something else that may come after the end of the object.
  template <class Call>
  void post(Call call) {
    loop_.post([call = std::move(call), alive = std::weak_ptr<bool>(alive_)]() mutable {
      if (!alive.expired()) call();
    });
  }

 private:
  loop::Loop& loop_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Gathers what comes in one turn of the loop, and while jobs are under way, into few jobs: one job of many small file
/// calls costs one hand-over to the pool.
template <class Item, class Value>
class Batcher {
 public:
  using Work = std::function<std::vector<Value>(const std::vector<Item>&)>;  ///< one value an item, in order
  using Done = std::function<void(Value)>;

  Batcher(loop::Loop& loop, std::size_t most_items, std::size_t most_jobs, Work work)
      : pool_(loop), most_items_(most_items), most_jobs_(most_jobs), work_(std::move(work)) {}

  void add(Item item, Done done) {
    items_.push_back(std::move(item));
    dones_.push_back(std::move(done));
    if (posted_) return;
    posted_ = true;
    pool_.post([this] {
      posted_ = false;
      start();
    });
  }
  [[nodiscard]] bool idle() const { return items_.empty() && jobs_ == 0; }

 private:
  void start() {
    while (jobs_ < most_jobs_ && !items_.empty()) {
      const auto count = static_cast<std::ptrdiff_t>(std::min(most_items_, items_.size()));
      auto items = std::make_shared<std::vector<Item>>(std::make_move_iterator(items_.begin()),
                                                       std::make_move_iterator(items_.begin() + count));
      auto dones = std::make_shared<std::vector<Done>>(std::make_move_iterator(dones_.begin()),
                                                       std::make_move_iterator(dones_.begin() + count));
      items_.erase(items_.begin(), items_.begin() + count);
      dones_.erase(dones_.begin(), dones_.begin() + count);
      ++jobs_;
      pool_.run([items, work = work_] { return work(*items); },
                [this, dones](std::vector<Value> values) { finish(*dones, std::move(values)); });
    }
  }
  void finish(std::vector<Done>& dones, std::vector<Value> values) {
    --jobs_;
    for (std::size_t i = 0; i < values.size(); ++i) dones[i](std::move(values[i]));
    start();
  }

  Pool pool_;
  std::size_t most_items_;
  std::size_t most_jobs_;
  Work work_;
  std::vector<Item> items_;
  std::vector<Done> dones_;
  std::size_t jobs_ = 0;
  bool posted_ = false;
};

}  // namespace facteur::queue
