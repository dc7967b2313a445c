// Questions to another process: the same question is asked once, few are under way at a time, answers are kept a while.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/time.h"

namespace facteur::queue {

/// Answers of one kind by key.
template <class Answer>
class Lookups {
 public:
  using Done = std::function<void(const Answer&)>;
  /// Sends the question; false if it cannot be sent now.
  using Send = std::function<bool(std::uint64_t id, const std::string& key)>;

  explicit Lookups(Send send) : send_(std::move(send)) {}

  /// What is kept of an earlier answer; nullptr if nothing is.
  [[nodiscard]] const Answer* known(const std::string& key, MonotonicTime now) const {
    const auto found = known_.find(key);
    return found == known_.end() || found->second.until <= now ? nullptr : &found->second.answer;
  }

  /// Asks; `done` runs when the answer comes, never before this returns.
  void ask(const std::string& key, Done done) {
    auto [place, is_new] = waiting_.try_emplace(key);
    place->second.push_back(std::move(done));
    if (is_new) unsent_.push_back(key);
    pump();
  }
  /// Sends what waits, when the way is free again.
  void pump() {
    while (!unsent_.empty() && asked_.size() < most_asked) {
      if (!send_(next_id_, unsent_.front())) return;
      asked_.emplace(next_id_++, Asked{std::move(unsent_.front()), monotonic_now()});
      unsent_.pop_front();
    }
  }
  /// An answer came; false if nobody asked. It is kept for `lifetime`.
  bool answered(std::uint64_t id, Answer answer, Milliseconds lifetime, MonotonicTime now) {
    const auto found = asked_.find(id);
    if (found == asked_.end()) return false;
    const std::string key = std::move(found->second.key);
    asked_.erase(found);
    if (lifetime > Milliseconds{0}) {
      if (known_.size() >= most_known) known_.clear();
      known_.insert_or_assign(key, Kept{answer, now + lifetime});
    }
    const auto waiting = waiting_.extract(key);
    pump();
    for (const auto& done : waiting.mapped()) done(answer);
    return true;
  }
  /// The other side is gone: what it was asked is asked anew of its successor, the oldest question first.
  void ask_again() {
    std::vector<std::pair<std::uint64_t, std::string>> lost;
    for (auto& [id, asked] : asked_) lost.emplace_back(id, std::move(asked.key));
    asked_.clear();
    std::sort(lost.begin(), lost.end(), std::greater<>());
    for (auto& [id, key] : lost) unsent_.push_front(std::move(key));
  }
  /// Questions that were asked longer than `patience` ago are answered with `answer`.
  void expire(MonotonicTime now, Milliseconds patience, const Answer& answer) {
    std::vector<std::uint64_t> late;
    for (const auto& [id, asked] : asked_) {
      if (asked.since + patience < now) late.push_back(id);
    }
    for (const auto id : late) (void)answered(id, answer, Milliseconds{0}, now);
  }
  template <class Predicate>
  void forget_if(Predicate predicate) {
    std::erase_if(known_, [&](const auto& entry) { return predicate(entry.second.answer); });
  }

 private:
  static constexpr std::size_t most_asked = 128;
  static constexpr std::size_t most_known = 20000;
  struct Kept {
    Answer answer;
    MonotonicTime until;
  };

  struct Asked {
    std::string key;
    MonotonicTime since;
  };

  Send send_;
  std::unordered_map<std::string, Kept> known_;
  std::unordered_map<std::string, std::vector<Done>> waiting_;
  std::deque<std::string> unsent_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::uint64_t next_id_ = 1;
};

}  // namespace facteur::queue
