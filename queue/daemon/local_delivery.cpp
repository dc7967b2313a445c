#include "queue/daemon/local_delivery.h"

#include <algorithm>

#include "common/fs/files.h"
#include "common/log/log.h"
#include "queue/daemon/attempt_results.h"
#include "queue/format/reader.h"

namespace facteur::queue {
namespace {

// An account may be changed or removed at any time; the next look is never far.
constexpr Seconds account_lifetime{10};
constexpr Seconds answer_patience{60};
constexpr std::uint64_t max_copied_content = 256U << 20;

std::string site_of(std::uint32_t instance) {
  return std::to_string(instance);
}

/// The message as it is delivered, in sealed memory: a system user's worker must not see the other recipients.
Result<Fd> copy_content(int file) {
  auto content = Content::open(fs::system_files(), file);
  if (!content) return fail(content);
  if (content->size() > max_copied_content) return fail(Kind::permanent, "the message is too large to be copied");
  std::string octets;
  octets.reserve(static_cast<std::size_t>(content->size()));
  while (octets.size() < content->size()) {
    const auto piece = content->read(octets.size(), static_cast<std::size_t>(content->size()));
    if (!piece) return fail(piece);
    octets += *piece;
  }
  return fs::sealed_memory("message", octets);
}

}  // namespace

LocalDelivery::LocalDelivery(loop::Loop& loop, Core& core, const Options& options, AskMaster ask_master)
    : loop_(loop),
      core_(core),
      scheduler_(options.local, options.times),
      accounts_(
          [ask = std::move(ask_master)](std::uint64_t id, const std::string& account) { return ask({id, account}); }),
      pool_(loop) {
}

LocalDelivery::~LocalDelivery() = default;

void LocalDelivery::take(Active& message, const Groups& groups) {
  // Accounts of one worker that are known go together: one delivery for all.
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_worker;
  for (const auto& [account, numbers] : groups) {
    const auto* known = accounts_.known(account, monotonic_now());
    if (known != nullptr && known->existence == auth::Existence::exists && workers_.contains(known->instance)) {
      auto& together = by_worker[known->instance];
      together.insert(together.end(), numbers.begin(), numbers.end());
      continue;
    }
    accounts_.ask(account, [this, key = message.key, numbers = numbers](const master::WorkerAnswer& answer) {
      found(key, numbers, answer);
    });
  }
  for (auto& [instance, numbers] : by_worker) {
    scheduler_.add(message.key, site_of(instance), std::move(numbers));
  }
  if (!by_worker.empty()) pump();
}

void LocalDelivery::worker_answer(master::WorkerAnswer answer) {
  const auto id = answer.id;
  const bool usable = answer.existence == auth::Existence::exists && workers_.contains(answer.instance);
  if (answer.existence == auth::Existence::exists && !usable) {
    answer.existence = auth::Existence::temporary;
    answer.text = "the worker ended before it began";
  }
  if (usable) system_users_[answer.instance] = answer.system_user;
  const auto lifetime = usable ? account_lifetime : Seconds{0};
  if (!accounts_.answered(id, std::move(answer), lifetime, monotonic_now())) {
    log::warning("master answered a question about a worker that nobody asked");
  }
}

void LocalDelivery::found(std::uint64_t message, const std::vector<std::uint32_t>& numbers,
                          const master::WorkerAnswer& answer) {
  switch (answer.existence) {
    case auth::Existence::exists: scheduler_.add(message, site_of(answer.instance), numbers); return pump();
    case auth::Existence::unknown:
      return core_.report(message, for_all(numbers, Fate::failed, "5.1.1", "unknown user"), times_now());
    case auth::Existence::temporary:
      return core_.report(message,
                          for_all(numbers, Fate::deferred, "4.3.0",
                                  answer.text.empty() ? "the mailbox cannot be reached now" : answer.text),
                          times_now(), {.dead_site = {}, .process_lost = true});
  }
}

void LocalDelivery::forget_accounts() {
  accounts_.forget_if([](const auto&) { return true; });
}

void LocalDelivery::sweep() {
  master::WorkerAnswer late;
  late.text = "no worker was started in time";
  accounts_.expire(monotonic_now(), answer_patience, late);
}

void LocalDelivery::pump() {
  if (posted_) return;
  posted_ = true;
  pool_.post([this] {
    posted_ = false;
    while (auto batch = scheduler_.next()) start(std::move(*batch));
  });
}

void LocalDelivery::start(Scheduler::Batch batch) {
  Active* message = core_.find(batch.message);
  check(message != nullptr, "a message left the core before its recipients");
  if (message->wish != Wish::none) {
    scheduler_.abandoned(batch.site);
    core_.skip(batch.message, batch.numbers.size());
    return pump();
  }
  const auto instance = static_cast<std::uint32_t>(std::stoul(batch.site));
  const auto id = next_id_++;
  const auto& pending =
      pending_.emplace(id, Pending{batch.message, instance, batch.site, std::move(batch.numbers), times_now()})
          .first->second;
  if (!must_hide(*message, pending)) return send(id, message->file.duplicate(), false);
  const auto file = std::make_shared<Fd>(message->file.duplicate());
  pool_.run([file] { return copy_content(file->get()); },
            [this, id](Result<Fd> copy) {
              if (!pending_.contains(id)) return;
              if (!copy) return lost(id, copy.error().text);
              send(id, std::move(*copy), true);
            });
}

/// A system user sees a queue file only if every recipient in it is his.
bool LocalDelivery::must_hide(const Active& message, const Pending& pending) const {
  const auto system_user = system_users_.find(pending.instance);
  if (system_user == system_users_.end() || !system_user->second) return false;
  const auto& own = message.accounts.at(pending.numbers.front() - 1);
  return std::ranges::any_of(message.accounts, [&](const std::string& account) { return account != own; });
}

void LocalDelivery::send(std::uint64_t id, Fd content, bool content_only) {
  const auto& pending = pending_.at(id);
  const Active* message = core_.find(pending.message);
  const auto worker = workers_.find(pending.instance);
  if (!content) return lost(id, "no descriptor is left");
  if (worker == workers_.end()) return lost(id, "the worker ended");
  Deliver deliver;
  deliver.id = id;
  deliver.queue_id = message->queue_id;
  deliver.message = std::move(content);
  deliver.content_only = content_only;
  deliver.reverse_path = message->message.reverse_path(message->recipient(pending.numbers.front()));
  deliver.arrival = message->message.envelope.arrival / 1'000'000;
  deliver.first_attempt = message->untried;
  for (const auto number : pending.numbers) {
    const auto& recipient = message->recipient(number);
    deliver.recipients.push_back(
        {number, message->accounts.at(number - 1), recipient.address, recipient.original_address});
  }
  if (!worker->second->send(std::move(deliver))) lost(id, "the worker takes nothing more");
}

void LocalDelivery::lost(std::uint64_t id, const std::string& why) {
  const Pending pending = std::move(pending_.extract(id).mapped());
  scheduler_.abandoned(pending.site);
  core_.report(pending.message, for_all(pending.numbers, Fate::deferred, "4.3.0", why), pending.times,
               {.dead_site = {}, .process_lost = true});
  pump();
}

void LocalDelivery::delivered(std::uint32_t instance, Delivered message) {
  const auto found = pending_.find(message.id);
  auto results = found == pending_.end() || found->second.instance != instance
                     ? std::nullopt
                     : match_results(found->second.numbers, std::move(message.results));
  if (!results) return workers_.at(instance)->close("a result for a delivery that it was not given");
  Pending pending = std::move(pending_.extract(found).mapped());
  pending.times.transfer = std::min(Milliseconds(message.transfer_ms),
                                    std::chrono::ceil<Milliseconds>(monotonic_now() - pending.times.begun));
  for (auto& result : *results) result.relay = "local";
  (void)scheduler_.reached(pending.site);
  core_.report(pending.message, std::move(*results), pending.times);
  pump();
}

void LocalDelivery::add_worker(std::uint32_t instance, std::unique_ptr<ipc::Door> door) {
  if (workers_.contains(instance)) worker_closed(instance, "a new door came");
  door->on<Delivered>([this, instance](Delivered message) { delivered(instance, std::move(message)); });
  door->on<WantEnd>([this, instance](WantEnd) { want_end(instance); });
  door->on_close([this, instance](const std::string& why) { worker_closed(instance, why); });
  auto& kept = workers_[instance];
  kept = std::move(door);
  kept->open();
}

void LocalDelivery::want_end(std::uint32_t instance) {
  const bool busy = std::ranges::any_of(pending_, [&](const auto& entry) { return entry.second.instance == instance; });
  if (busy || scheduler_.has(site_of(instance))) return;  // a delivery is under way, which withdraws the question
  accounts_.forget_if([&](const master::WorkerAnswer& answer) { return answer.instance == instance; });
  workers_.at(instance)->send_or_close(MayEnd{});
}

void LocalDelivery::worker_closed(std::uint32_t instance, const std::string& why) {
  accounts_.forget_if([&](const master::WorkerAnswer& answer) { return answer.instance == instance; });
  system_users_.erase(instance);
  std::vector<std::uint64_t> ids;
  for (const auto& [id, pending] : pending_) {
    if (pending.instance == instance) ids.push_back(id);
  }
  const auto door = std::move(workers_.extract(instance).mapped());
  for (const auto id : ids) lost(id, "the delivery process ended: " + why);
  for (auto& batch : scheduler_.give_up(site_of(instance))) {
    core_.report(batch.message, for_all(batch.numbers, Fate::deferred, "4.3.0", "the delivery process ended"),
                 times_now(), {.dead_site = {}, .process_lost = true});
  }
}

}  // namespace facteur::queue
