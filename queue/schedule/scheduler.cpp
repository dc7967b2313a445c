#include "queue/schedule/scheduler.h"

#include <algorithm>

#include "common/base/result.h"

namespace facteur::queue {

bool Scheduler::Site::idle() const {
  return attempts == 0 && fresh.empty() && under_way.empty() && !ready;
}

void Scheduler::set_limits(ScheduleLimits limits, RetryTimes times) {
  limits_ = limits;
  times_ = times;
  for (auto& [name, site] : sites_) site.window.set_bounds(limits.initial_window, limits.most_window);
}

void Scheduler::add(Key message, const std::string& site, std::vector<std::uint32_t> numbers) {
  if (numbers.empty()) return;
  auto& there = sites_.try_emplace(site, limits_).first->second;
  there.fresh.push_back({message, std::move(numbers), 0});
  make_ready(site, there);
}

bool Scheduler::may_start(const Site& site) const {
  return site.attempts < site.window.size() && !(site.fresh.empty() && site.under_way.empty());
}

void Scheduler::make_ready(const std::string& name, Site& site) {
  if (site.ready || !may_start(site)) return;
  site.ready = true;
  ready_.push_back(name);
}

std::optional<Scheduler::Batch> Scheduler::next() {
  while (attempts_ < limits_.attempts && !ready_.empty()) {
    const std::string name = std::move(ready_.front());
    ready_.pop_front();
    auto& site = sites_.at(name);
    site.ready = false;
    if (!may_start(site)) {
      forget_if_idle(name);
      continue;
    }
    Batch batch = take_batch(name, site);
    ++site.attempts;
    ++attempts_;
    make_ready(name, site);  // at the end: the other sites come first
    return batch;
  }
  return std::nullopt;
}

// New mail comes before lists under way, but every so many times one of those has its turn: small mail passes big lists
// (the idea of Postfix's preemption), and no list starves.
Scheduler::Batch Scheduler::take_batch(const std::string& name, Site& site) {
  const bool old_turn = site.fresh.empty() || (!site.under_way.empty() && site.passed >= limits_.new_mail_per_big_list);
  auto& queue = old_turn ? site.under_way : site.fresh;
  site.passed = old_turn ? 0 : site.passed + 1;
  Job job = std::move(queue.front());
  queue.pop_front();
  const auto count = std::min(limits_.recipients_per_attempt, job.numbers.size() - job.begun);
  const auto first = job.numbers.begin() + static_cast<std::ptrdiff_t>(job.begun);
  Batch batch{job.message, name, {first, first + static_cast<std::ptrdiff_t>(count)}};
  job.begun += count;
  if (job.begun < job.numbers.size()) site.under_way.push_back(std::move(job));
  return batch;
}

Scheduler::Site& Scheduler::ended(const std::string& name) {
  const auto found = sites_.find(name);
  check(found != sites_.end() && found->second.attempts > 0 && attempts_ > 0, "an attempt ended that was not begun");
  --found->second.attempts;
  --attempts_;
  return found->second;
}

std::vector<std::string> Scheduler::reached(const std::string& name) {
  auto& site = ended(name);
  site.window.succeeded();
  site.deaths = 0;
  site.dead.reset();
  std::vector<std::string> released(site.waiting.begin(), site.waiting.end());
  site.waiting.clear();
  make_ready(name, site);
  forget_if_idle(name);
  return released;
}

std::vector<Scheduler::Batch> Scheduler::unreachable(const std::string& name, const std::string& reason,
                                                     MonotonicTime now, WallTime wall_now, double jitter) {
  auto& site = ended(name);
  site.last_failure = now;
  std::vector<Batch> given_up;
  if (site.window.failed()) {
    ++site.deaths;
    site.dead = Dead{now + dead_site_delay(site.deaths, times_, jitter), wall_now, reason};
    site.window.probe();
    given_up = take_back(name, site);
  }
  make_ready(name, site);
  forget_if_idle(name);
  return given_up;
}

std::vector<Scheduler::Batch> Scheduler::take_back(const std::string& name, Site& site) {
  std::vector<Batch> out;
  for (auto* queue : {&site.under_way, &site.fresh}) {
    for (auto& job : *queue) {
      job.numbers.erase(job.numbers.begin(), job.numbers.begin() + static_cast<std::ptrdiff_t>(job.begun));
      out.push_back({job.message, name, std::move(job.numbers)});
    }
    queue->clear();
  }
  return out;
}

bool Scheduler::has(const std::string& name) const {
  const auto found = sites_.find(name);
  return found != sites_.end() &&
         !(found->second.attempts == 0 && found->second.fresh.empty() && found->second.under_way.empty());
}

std::vector<Scheduler::Batch> Scheduler::give_up(const std::string& name) {
  const auto found = sites_.find(name);
  if (found == sites_.end()) return {};
  auto out = take_back(name, found->second);
  forget_if_idle(name);
  return out;
}

void Scheduler::revive() {
  for (auto& [name, site] : sites_) site.dead.reset();
}

void Scheduler::abandoned(const std::string& name) {
  make_ready(name, ended(name));
  forget_if_idle(name);
}

const Scheduler::Dead* Scheduler::dead(const std::string& name, MonotonicTime now) const {
  const auto found = sites_.find(name);
  if (found == sites_.end() || !found->second.dead || found->second.dead->until <= now) return nullptr;
  return &*found->second.dead;
}

void Scheduler::wait_for(const std::string& name, const std::string& queue_id) {
  const auto found = sites_.find(name);
  // Only a dead site can come back: one that is forgotten has nobody to tell.
  if (found != sites_.end() && found->second.dead) found->second.waiting.insert(queue_id);
}

std::size_t Scheduler::window(const std::string& name) const {
  const auto found = sites_.find(name);
  return found == sites_.end() ? limits_.initial_window : found->second.window.size();
}

void Scheduler::forget_if_idle(const std::string& name) {
  const auto found = sites_.find(name);
  if (found == sites_.end() || !found->second.idle()) return;
  // Failures are remembered while nobody writes there: they tell the next message that the site is dead.
  if (!found->second.dead && found->second.window.untroubled()) sites_.erase(found);
}

void Scheduler::sweep(MonotonicTime now) {
  const auto old = now - 2 * times_.maximal_backoff_time;
  std::erase_if(sites_, [&](const auto& entry) {
    const auto& site = entry.second;
    return site.idle() && site.last_failure < old && (!site.dead || site.dead->until < old);
  });
}

}  // namespace facteur::queue
