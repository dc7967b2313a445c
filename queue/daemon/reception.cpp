#include "queue/daemon/reception.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "common/log/log.h"

namespace facteur::queue {
namespace {

constexpr std::size_t commits_per_job = 16;
constexpr std::size_t commit_jobs = 4;
constexpr std::size_t removals_per_job = 64;
constexpr std::size_t slots_per_sync = 64;
constexpr std::size_t low_stock = 32;
constexpr Milliseconds space_period{5000};

std::vector<Result<Loaded>> commit_all(Spool& spool, const std::vector<std::string>& queue_ids) {
  std::vector<Result<Loaded>> results;
  for (const auto& queue_id : queue_ids) results.push_back(spool.commit(queue_id));
  return results;
}

std::vector<Result<>> remove_all(Spool& spool, const std::vector<std::string>& queue_ids) {
  std::vector<Result<>> results;
  for (const auto& queue_id : queue_ids) results.push_back(spool.remove(Folder::queue, std::array{queue_id}));
  return results;
}

}  // namespace

Reception::Reception(loop::Loop& loop, std::shared_ptr<Spool> spool, Core& core, const Options& options)
    : spool_(spool),
      core_(core),
      minfree_(options.minfree),
      timer_(loop),
      pool_(loop),
      commits_(loop, commits_per_job, commit_jobs,
               [spool](const std::vector<std::string>& queue_ids) { return commit_all(*spool, queue_ids); }),
      removals_(loop, removals_per_job, 1,
                [spool](const std::vector<std::string>& queue_ids) { return remove_all(*spool, queue_ids); }) {
  timer_.repeat(space_period, [this] { look_for_space(); });
}

Reception::~Reception() = default;

void Reception::set_options(const Options& options) {
  minfree_ = options.minfree;
  look_for_space();
}

void Reception::add_smtpd(std::uint32_t instance, std::unique_ptr<ipc::Door> door) {
  if (smtpds_.contains(instance)) closed(instance, "a new door came");
  door->on<WantSlots>([this, instance](WantSlots wanted) { want_slots(instance, wanted.count); });
  door->on<Commit>([this, instance](Commit message) { commit(instance, message.queue_id); });
  door->on<Discard>([this, instance](Discard message) { discard(instance, message.queue_ids); });
  door->on_close([this, instance](const std::string& why) { closed(instance, why); });
  auto& smtpd = smtpds_[instance];
  smtpd.door = std::move(door);
  smtpd.door->open();
}

void Reception::want_slots(std::uint32_t instance, std::size_t count) {
  auto& smtpd = smtpds_.at(instance);
  if (count == 0 || smtpd.slots.size() + smtpd.coming + count > most_slots) {
    return smtpd.door->close("it wants more slots than it may have");
  }
  smtpd.coming += count;
  for (; count > 0; count -= std::min(count, slots_per_message)) {
    wants_.push_back({instance, std::min(count, slots_per_message)});
  }
  // The stock was made when there was room.
  minfree_ > 0 ? look_for_space() : serve();
}

/// queue_minfree: asks the file system, for all who want slots meanwhile.
void Reception::look_for_space() {
  if (minfree_ == 0) {
    full_ = false;
    return;
  }
  if (looking_) return;
  looking_ = true;
  pool_.run([spool = spool_, minfree = minfree_] { return spool->has_space(minfree); },
            [this](const Result<>& space) { looked(space); });
}

/// Without room the slots that smtpd holds ahead are called back: a message in one of them would be one more.
void Reception::looked(const Result<>& space) {
  looking_ = false;
  if (space) {
    full_ = false;
    return serve();
  }
  refuse();
  if (std::exchange(full_, true)) return;
  log::warning("no room for messages: {}", space.error().text);
  for (auto& [instance, smtpd] : smtpds_) {
    if (!smtpd.slots.empty()) (void)smtpd.door->send(Slots{0, {}});
  }
}

void Reception::serve() {
  if (looking_ && !stopping_) return;
  while (!wants_.empty() && !stock_.empty()) {
    const Want want = wants_.front();
    wants_.pop_front();
    const auto found = smtpds_.find(want.instance);
    if (found != smtpds_.end()) give(found->second, want.count);
  }
  if (stock_.size() < low_stock) refill();
}

/// Answers one request from the stock, perhaps with fewer slots than it asked for.
void Reception::give(Smtpd& smtpd, std::size_t count) {
  smtpd.coming -= count;
  Slots slots{static_cast<std::uint32_t>(count), {}};
  for (; count > 0 && !stock_.empty(); --count) {
    NewSlot slot = std::move(stock_.front());
    stock_.pop_front();
    smtpd.slots.insert(slot.queue_id);
    slots.slots.push_back({std::move(slot.queue_id), std::move(slot.file)});
  }
  if (!smtpd.door->send(std::move(slots))) smtpd.door->close("it takes no more messages");
}

void Reception::refill() {
  if (refilling_) return;
  if (stopping_) return refuse();
  refilling_ = true;
  std::vector<std::string> queue_ids;
  while (queue_ids.size() < slots_per_sync) {
    queue_ids.push_back(queue_ids_.next(wall_now()));
    core_.made(queue_ids.back());
  }
  pool_.run([spool = spool_, queue_ids = std::move(queue_ids)] { return spool->make_slots(queue_ids); },
            [this](Result<std::vector<NewSlot>> made) { refilled(std::move(made)); });
}

void Reception::refilled(Result<std::vector<NewSlot>> made) {
  refilling_ = false;
  if (made) {
    std::ranges::move(*made, std::back_inserter(stock_));
    return serve();
  }
  log::warning("no room for messages: {}", made.error().text);
  refuse();
}

/// No slots: the clients hear 452.
void Reception::refuse() {
  for (const auto& want : std::exchange(wants_, {})) {
    const auto found = smtpds_.find(want.instance);
    if (found == smtpds_.end()) continue;
    auto& smtpd = found->second;
    smtpd.coming -= want.count;
    if (!smtpd.door->send(Slots{static_cast<std::uint32_t>(want.count), {}}))
      smtpd.door->close("it takes no more messages");
  }
}

void Reception::commit(std::uint32_t instance, const std::string& queue_id) {
  auto& smtpd = smtpds_.at(instance);
  if (smtpd.slots.erase(queue_id) == 0) return smtpd.door->close("it commits a message that is not its own");
  commits_.add(queue_id,
               [this, instance, queue_id](Result<Loaded> loaded) { committed(instance, queue_id, std::move(loaded)); });
}

void Reception::committed(std::uint32_t instance, const std::string& queue_id, Result<Loaded> loaded) {
  Committed answer{queue_id, loaded.has_value(), loaded ? std::string() : loaded.error().text};
  if (!loaded) {
    log::warning("{}: not accepted: {}", queue_id, answer.text);
    remove(queue_id);
  }
  const auto found = smtpds_.find(instance);
  // The answer before the work: the client waits for it. When nobody is there to hear it the message is delivered
  // all the same; its client may send it again.
  if (found != smtpds_.end() && !found->second.door->send(std::move(answer))) {
    found->second.door->close("it takes no more messages");
  }
  if (loaded) core_.committed(queue_id, std::move(*loaded));
  look_for_space();
}

void Reception::discard(std::uint32_t instance, const std::vector<std::string>& queue_ids) {
  auto& smtpd = smtpds_.at(instance);
  for (const auto& queue_id : queue_ids) {
    if (smtpd.slots.erase(queue_id) == 0) return smtpd.door->close("it discards a message that is not its own");
    remove(queue_id);
  }
}

/// A slot dies with its door: smtpd answers 451 to every transaction whose door broke.
void Reception::closed(std::uint32_t instance, const std::string& why) {
  const auto smtpd = std::move(smtpds_.extract(instance).mapped());
  log::debug("the door to {} closed: {}", smtpd.door->name(), why);
  for (const auto& queue_id : smtpd.slots) remove(queue_id);
}

void Reception::remove(std::string queue_id) {
  removals_.add(std::move(queue_id), [](const Result<>& removed) {
    if (!removed) log::warning("a slot cannot be removed: {}", removed.error().text);
  });
}

}  // namespace facteur::queue
