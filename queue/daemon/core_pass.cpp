// Core: results of recipients, the end of a pass, and what is written about it.
#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/in_hand.h"
#include "common/base/random.h"
#include "common/log/log.h"
#include "queue/bounce/bounce.h"
#include "queue/daemon/core.h"
#include "queue/daemon/log_lines.h"
#include "queue/daemon/records.h"

namespace facteur::queue {
namespace {

constexpr unsigned quick_retries = 3;  // after processes of ours that ended
constexpr Seconds quick_retry_delay{2};

double random_jitter() {
  constexpr std::uint64_t steps = 1024;
  return static_cast<double>(random_below(steps)) / steps;
}

Milliseconds since(MonotonicTime begin, MonotonicTime end) {
  return std::max(std::chrono::floor<Milliseconds>(end - begin), Milliseconds{0});
}

Outcome outcome_of(const RecipientResult& result) {
  return {result.number, result.status, result.text};
}

}  // namespace

Delays Core::delays_of(const Active& active, const AttemptTimes& times) {
  const auto arrival = WallTime(std::chrono::microseconds(active.message.envelope.arrival));
  const auto before = std::chrono::floor<Milliseconds>(active.taken_up_wall - arrival);
  return {std::max(before, Milliseconds{0}), since(active.taken_up, times.begun), times.setup, times.transfer};
}

RetryTimes Core::times_for(const Active& active) const {
  RetryTimes times = options_.times;
  if (active.message.envelope.reverse_path.empty()) times.maximal_queue_lifetime = options_.bounce_lifetime;
  return times;
}

void Core::report(std::uint64_t key, std::vector<RecipientResult> results, const AttemptTimes& times,
                  const ReportCause& cause) {
  Active* active = find(key);
  if (active == nullptr) return;
  active->process_lost |= cause.process_lost;
  if (!cause.dead_site.empty() && std::ranges::find(active->dead_sites, cause.dead_site) == active->dead_sites.end()) {
    active->dead_sites.push_back(cause.dead_site);
  }
  for (auto& result : results) settle(*active, sane(std::move(result)), times);
  advance(*active);
}

void Core::skip(std::uint64_t key, std::size_t count) {
  Active* active = find(key);
  if (active == nullptr) return;
  active->open -= std::min(active->open, count);
  advance(*active);
}

void Core::settle(Active& active, RecipientResult result, const AttemptTimes& times) {
  auto& state = active.message.recipients.at(result.number - 1);
  check(state.standing == Standing::pending && active.open > 0, "a recipient was reported on twice");
  --active.open;
  const auto arrival = WallTime(std::chrono::microseconds(active.message.envelope.arrival));
  if (result.fate == Fate::deferred && is_too_old(arrival, times.begun_wall, times_for(active))) {
    result.fate = Fate::failed;
    result.status = "5.4.7";  // RFC 3463 section 3.5: delivery time expired
    result.text = one_line("delivery time expired: " + result.text);
  }
  log::write(log::Level::info, delivery_line(active.queue_id, state.recipient, result, delays_of(active, times)));
  state.status = result.status;
  state.reason = result.text;
  switch (result.fate) {
    case Fate::delivered: state.standing = Standing::delivered; return active.delivered.push_back(outcome_of(result));
    case Fate::deferred: return active.deferred.push_back(outcome_of(result));
    case Fate::failed: return active.failed.push_back(std::move(result));
  }
}

void Core::advance(Active& active) {
  const InHand noted(active.queue_id);
  if (active.working || active.routing) return;
  if (active.open > 0) {
    // Some wait still: what was delivered so far is noted, so that a crash does not repeat it.
    if (active.delivered.empty()) return;
    active.records += event_records(RecordKind::delivered, active.delivered, wall_now());
    active.recording = std::exchange(active.delivered, {});
    return append(active);
  }
  if (active.wish == Wish::remove) return remove(active);
  if (!active.failed.empty()) return bounce(active);
  if (active.message.pending() == 0) return remove(active);
  if (!active.settled) finish_records(active);
  if (!active.records.empty()) return append(active);
  park(active);
}

void Core::append(Active& active) {
  active.working = true;
  const auto write = [spool = spool_, queue_id = active.queue_id, end = active.message.log_end,
                      records = std::exchange(active.records, {})] {
    return spool->append(queue_id, end, records, false);
  };
  pool_.run(write, [this, key = active.key](const Result<std::uint64_t>& end) {
    Active& there = *find(key);
    there.working = false;
    if (end) {
      there.message.log_end = *end;
    } else {
      // Not on disk, so a crash would repeat what was done; nothing is lost. Without a crash it is not repeated.
      log::warning("{}: {}", there.queue_id, end.error().text);
      auto& kept = unrecorded_[there.queue_id];
      std::ranges::move(there.recording, std::back_inserter(kept));
      if (kept.empty()) unrecorded_.erase(there.queue_id);
    }
    there.recording.clear();
    advance(there);
  });
}

void Core::bounce(Active& active) {
  const auto original = std::make_shared<Bounced>();
  original->queue_id = active.queue_id;
  original->failed = std::exchange(active.failed, {});
  std::vector<std::uint32_t> numbers;
  for (const auto& result : original->failed) numbers.push_back(result.number);
  auto plans = plan_bounces(active.message, numbers, postmaster_address());
  if (plans.empty()) return bounced(active, original->failed, {});
  for (const auto& plan : plans) made(bounce_id(active.queue_id, plan.numbers));

  original->message = active.message;
  original->file = active.file.duplicate();
  active.working = true;
  const auto write = [spool = spool_, original, plans = std::move(plans),
                      facts = BounceFacts{options_.hostname, options_.bounce_size_limit, wall_now()}] {
    const InHand noted(original->queue_id);
    return write_bounces(*spool, *original, plans, facts);
  };
  pool_.run(write, [this, key = active.key, original](const Result<std::vector<BounceWritten>>& written) {
    Active& there = *find(key);
    there.working = false;
    if (written) return bounced(there, original->failed, *written);
    log::error("{}: the bounce cannot be written: {}", there.queue_id, written.error().text);
    for (const auto& result : original->failed) there.deferred.push_back(outcome_of(result));
    advance(there);
  });
}

/// The failures are reported, where that was due: now they may be recorded.
void Core::bounced(Active& active, const std::vector<RecipientResult>& failed,
                   const std::vector<BounceWritten>& written) {
  std::map<std::string, std::vector<Outcome>> outcomes;  // by bounce; the empty one for those without
  for (const auto& result : failed) {
    const auto report = std::ranges::find_if(written, [&](const BounceWritten& bounce) {
      return std::ranges::find(bounce.numbers, result.number) != bounce.numbers.end();
    });
    outcomes[report == written.end() ? "" : report->queue_id].push_back(outcome_of(result));
    active.message.recipients[result.number - 1].standing = Standing::failed;
  }
  for (const auto& [queue_id, reported] : outcomes) {
    active.records += event_records(RecordKind::failed, reported, wall_now(), {}, queue_id);
  }
  for (const auto& bounce : written) {
    log::info("{}: {} non-delivery notification: {}", active.queue_id, bounce.to_postmaster ? "postmaster" : "sender",
              bounce.queue_id);
    backlog_.put(bounce.queue_id, monotonic_now());
  }
  advance(active);
}

void Core::finish_records(Active& active) {
  active.settled = true;
  const auto now = wall_now();
  active.wait = retry_delay(age_of(WallTime(std::chrono::microseconds(active.message.envelope.arrival)), now),
                            options_.times, random_jitter());
  if (!active.process_lost) {
    losses_.erase(active.queue_id);
  } else if (unsigned& losses = losses_[active.queue_id]; losses < quick_retries) {
    active.wait = std::min<Milliseconds>(active.wait, quick_retry_delay * (1 << losses++));
  }
  active.records += event_records(RecordKind::delivered, active.delivered, now);
  active.records += event_records(RecordKind::deferred, active.deferred, now, now + active.wait);
  active.recording = std::exchange(active.delivered, {});
}

void Core::remove(Active& active) {
  log::info("{}: removed", active.queue_id);
  removals_.add(active.queue_id, [this, queue_id = active.queue_id](const Result<>& removed) {
    if (!removed) log::warning("{}: {}", queue_id, removed.error().text);
    if (on_idle_ && active_.empty() && removals_.idle()) on_idle_();
  });
  losses_.erase(active.queue_id);
  unrecorded_.erase(active.queue_id);
  forget(active);
}

void Core::park(Active& active) {
  if (active.wish == Wish::hold || active.wish == Wish::corrupt) {
    const bool held = active.wish == Wish::hold;
    set_aside(active.queue_id, held ? Folder::hold : Folder::corrupt, held ? "put on hold" : set_aside_line);
    condemned_.erase(active.queue_id);
    return forget(active);
  }
  backlog_.put(active.queue_id, monotonic_now() + active.wait);
  for (const auto& site : active.dead_sites) remote_->wait_for(site, active.queue_id);
  forget(active);
}

/// The message leaves the core.
void Core::forget(Active& active) {
  recipients_in_core_ -= active.weight;
  keys_.erase(active.queue_id);
  active_.erase(active.key);
  if (on_idle_ && active_.empty() && removals_.idle()) pool_.post([this] { on_idle_(); });
  pool_.post([this] { pump(); });
}

std::string Core::postmaster_address() const {
  return "postmaster@" + router_->tables().default_domain();
}

}  // namespace facteur::queue
