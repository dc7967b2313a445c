#include "queue/daemon/core.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/random.h"
#include "common/log/log.h"
#include "queue/daemon/log_lines.h"

namespace facteur::queue {
namespace {

constexpr std::size_t most_loads = 16;  // files read at a time
constexpr std::size_t removals_per_job = 64;
constexpr Seconds reload_delay{60};  // after a file could not be read
constexpr Milliseconds longest_sleep{60'000};

Batcher<std::string, Result<>>::Work removal_work(std::shared_ptr<Spool> spool) {
  return [spool = std::move(spool)](const std::vector<std::string>& queue_ids) {
    std::vector<Result<>> results;
    for (const auto& queue_id : queue_ids) results.push_back(spool->finish(queue_id));
    return results;
  };
}

}  // namespace

Core::Core(loop::Loop& loop, std::shared_ptr<Spool> spool, Options options)
    : loop_(loop),
      spool_(std::move(spool)),
      options_(std::move(options)),
      timer_(loop),
      pool_(loop),
      removals_(loop, removals_per_job, 1, removal_work(spool_)) {
}

void Core::set_transports(Transport& local, Transport& remote) {
  local_ = &local;
  remote_ = &remote;
}

void Core::set_tables(route::Tables tables) {
  router_.emplace(std::move(tables));
  pump();
}

void Core::scan() {
  struct Found {
    Result<std::vector<std::string>> queue_ids;
    std::size_t strangers = 0;
  };
  pool_.run(
      [spool = spool_] {
        Found found{{}, 0};
        found.queue_ids = spool->list(Folder::queue, found.strangers);
        if (found.queue_ids) std::ranges::sort(*found.queue_ids);  // by age
        return found;
      },
      [this](Found found) {
        check(found.queue_ids.has_value(), "the spool cannot be read");
        if (found.strangers > 0) log::warning("{} files in queue/ are not ours, and left alone", found.strangers);
        std::erase_if(*found.queue_ids, [this](const std::string& queue_id) { return made_.contains(queue_id); });
        unseen_.assign(std::make_move_iterator(found.queue_ids->begin()),
                       std::make_move_iterator(found.queue_ids->end()));
        made_.clear();
        scanned_ = true;
        for (auto& wait : std::exchange(on_scanned_, {})) wait();
        pump();
      });
}

void Core::made(const std::string& queue_id) {
  if (!scanned_) made_.insert(queue_id);
}

void Core::when_scanned(std::function<void()> then) {
  if (scanned_) return then();
  on_scanned_.push_back(std::move(then));
}

Active* Core::find(std::uint64_t key) {
  const auto found = active_.find(key);
  return found == active_.end() ? nullptr : found->second.get();
}

bool Core::has_room() const {
  return !on_idle_ && recipients_in_core_ < options_.most_recipients && active_.size() < options_.most_messages;
}

void Core::committed(const std::string& queue_id, Loaded loaded) {
  if (router_ && has_room()) return take_up(queue_id, std::move(loaded), Wish::none, true);
  backlog_.put(queue_id, monotonic_now());
}

void Core::enqueue(const std::string& queue_id) {
  backlog_.put(queue_id, monotonic_now());
  pump();
}

void Core::pump() {
  if (pumping_ || !router_) return;
  pumping_ = true;
  // By turns: neither a large old spool nor a stream of new mail may keep the other waiting.
  bool found = true;
  while (found && may_load()) {
    const auto queue_id = backlog_.pop(monotonic_now());
    if (queue_id) load(*queue_id, Look::due);
    found = queue_id.has_value();
    if (may_load() && !unseen_.empty()) {
      load(unseen_.front(), flushed_ ? Look::due : Look::first);
      unseen_.pop_front();
      found = true;
    }
  }
  if (scanned_ && unseen_.empty()) flushed_ = false;
  pumping_ = false;
  set_timer();
}

bool Core::may_load() const {
  return has_room() && loading_.size() < most_loads;
}

void Core::set_timer() {
  const auto due = backlog_.next_due();
  if (!due || !may_load()) return timer_.stop();
  const auto wait = std::chrono::ceil<Milliseconds>(*due - monotonic_now());
  timer_.start(std::clamp(wait, Milliseconds{0}, longest_sleep), [this] { pump(); });
}

void Core::load(const std::string& queue_id, Look look) {
  // A message of that name is being worked on: its own end decides when it is due.
  if (keys_.contains(queue_id)) return;
  if (condemned_.erase(queue_id) > 0) {
    backlog_.erase(queue_id);
    return set_aside(queue_id, Folder::corrupt, set_aside_line);
  }
  if (!loading_.try_emplace(queue_id, Loading{look, Wish::none}).second) return;
  pool_.run([spool = spool_, queue_id] { return spool->load(Folder::queue, queue_id, true); },
            [this, queue_id](Result<Loaded> result) {
              const Loading loading = loading_.extract(queue_id).mapped();
              if (result) {
                loaded(queue_id, std::move(*result), loading);
              } else {
                not_loaded(queue_id, result.error());
              }
              pump();
            });
}

void Core::loaded(const std::string& queue_id, Loaded loaded, Loading loading) {
  const WallTime due{std::chrono::microseconds(loaded.message.next_attempt)};
  const auto wait = remaining_wait(due, wall_now(), options_.times);
  if (loading.look == Look::first && loading.wish == Wish::none && wait > Milliseconds{0}) {
    return backlog_.put(queue_id, monotonic_now() + wait);
  }
  take_up(queue_id, std::move(loaded), loading.wish, false);
}

void Core::not_loaded(const std::string& queue_id, const Error& error) {
  if (error.errno_value == ENOENT) return;
  switch (error.kind) {
    case Kind::closed:  // no 250 was ever sent for it
      log::write(error.errno_value == ENODATA ? log::Level::debug : log::Level::info,
                 queue_id + ": removed: " + error.text);
      return removals_.add(queue_id, [](const Result<>&) {});
    case Kind::permanent: return log::error("{}: left alone: {}", queue_id, error.text);
    case Kind::corrupt: return set_aside(queue_id, Folder::corrupt, "moved to corrupt/: " + error.text);
    default:
      log::warning("{}: {}", queue_id, error.text);
      return backlog_.put(queue_id, monotonic_now() + reload_delay);
  }
}

/// Moves a message that is not in core out of the queue. The line is for the log.
void Core::set_aside(const std::string& queue_id, Folder folder, const std::string& line) {
  pool_.run([spool = spool_, queue_id, folder] { return spool->move(queue_id, Folder::queue, folder); },
            [this, queue_id, folder, line](const Result<>& moved) {
              if (!moved) {
                log::error("{}: {}", queue_id, moved.error().text);
                return backlog_.put(queue_id, monotonic_now() + reload_delay);
              }
              log::write(folder == Folder::corrupt ? log::Level::error : log::Level::info, queue_id + ": " + line);
            });
}

void Core::condemn(const std::string& queue_id) {
  condemned_.insert(queue_id);
  (void)wish(queue_id, Wish::corrupt);  // unknown: the scan has not come to it yet
}

void Core::take_up(const std::string& queue_id, Loaded loaded, Wish wish, bool untried) {
  auto made = std::make_unique<Active>();
  Active& active = *made;
  active.key = next_key_++;
  active.queue_id = queue_id;
  active.file = std::move(loaded.file);
  active.message = std::move(loaded.message);
  active.taken_up = monotonic_now();
  active.taken_up_wall = wall_now();
  active.wish = wish;
  active.untried = untried;
  active.accounts.resize(active.message.recipients.size());
  recall_unrecorded(active);
  active.weight = active.message.pending();
  recipients_in_core_ += active.weight;
  keys_.emplace(queue_id, active.key);
  active_.emplace(active.key, std::move(made));
  if (active.weight > 0) log::write(log::Level::info, active_line(queue_id, active.message, active.weight));
  route(active);
}

/// Puts what the file could not be told on the list of what it is to be told.
void Core::recall_unrecorded(Active& active) {
  const auto unrecorded = unrecorded_.extract(active.queue_id);
  if (unrecorded.empty()) return;
  for (auto& outcome : unrecorded.mapped()) {
    active.message.recipients.at(outcome.number - 1).standing = Standing::delivered;
    active.delivered.push_back(std::move(outcome));
  }
}

void Core::release(const std::vector<std::string>& queue_ids) {
  for (const auto& queue_id : queue_ids) backlog_.move(queue_id, monotonic_now());
  pump();
}

void Core::flush() {
  backlog_.flush(monotonic_now());
  for (auto& [queue_id, loading] : loading_) loading.look = Look::due;
  flushed_ = true;
  pump();
}

bool Core::flush(const std::string& queue_id) {
  if (keys_.contains(queue_id)) return true;  // it is being tried
  if (const auto loading = loading_.find(queue_id); loading != loading_.end()) {
    loading->second.look = Look::due;
    return true;
  }
  const bool found = backlog_.move(queue_id, monotonic_now()) || take_unseen(queue_id);
  pump();
  return found;
}

bool Core::wish(const std::string& queue_id, Wish wish) {
  if (const auto key = keys_.find(queue_id); key != keys_.end()) {
    Active& active = *active_.at(key->second);
    active.wish = wish;
    advance(active);
    return true;
  }
  if (const auto loading = loading_.find(queue_id); loading != loading_.end()) {
    loading->second.wish = wish;
    return true;
  }
  if (!backlog_.erase(queue_id) && !take_unseen(queue_id)) return false;
  load(queue_id, Look::due);
  if (const auto loading = loading_.find(queue_id); loading != loading_.end()) loading->second.wish = wish;
  return true;
}

/// Moves a message that the scan found, and that was not looked at yet, to the backlog; false if it is not among them.
bool Core::take_unseen(const std::string& queue_id) {
  const auto found = std::ranges::lower_bound(unseen_, queue_id);
  if (found == unseen_.end() || *found != queue_id) return false;
  backlog_.put(queue_id, monotonic_now());
  unseen_.erase(found);
  return true;
}

std::unordered_set<std::string> Core::active_ids() const {
  std::unordered_set<std::string> out;
  for (const auto& [queue_id, key] : keys_) out.insert(queue_id);
  return out;
}

void Core::stop(std::function<void()> idle) {
  on_idle_ = std::move(idle);
  if (active_.empty() && removals_.idle()) loop_.post(on_idle_);
}

}  // namespace facteur::queue
