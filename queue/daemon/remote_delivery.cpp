#include "queue/daemon/remote_delivery.h"

#include <algorithm>

#include "common/base/random.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "queue/daemon/attempt_results.h"

namespace facteur::queue {
namespace {

// What DNS says is kept as long as it says, between these bounds: a domain is not asked for at each message, and a
// failure is not repeated to each that waits.
constexpr Seconds shortest_lifetime{30};
constexpr Seconds longest_lifetime{3600};
constexpr Seconds temporary_lifetime{30};
constexpr Seconds answer_patience{120};

Seconds lifetime_of(const Resolved& answer) {
  if (answer.outcome == DnsOutcome::temporary) return temporary_lifetime;
  return std::clamp(Seconds(answer.lifetime), shortest_lifetime, longest_lifetime);
}

/// What DNS would say of an address.
Resolved address_answer(const std::string& ip) {
  Resolved answer;
  answer.outcome = DnsOutcome::found;
  answer.hosts = {{"[" + ip + "]", 0, {ip}, false}};
  return answer;
}

}  // namespace

RemoteDelivery::RemoteDelivery(loop::Loop& loop, Core& core, const Options& options, MxRules rules)
    : core_(core),
      options_(options),
      rules_(std::move(rules)),
      scheduler_(options.remote, options.times),
      answers_([this](std::uint64_t id, const std::string& key) { return ask(id, key); }),
      pool_(loop) {
}

RemoteDelivery::~RemoteDelivery() = default;

void RemoteDelivery::set_options(const Options& options) {
  options_ = options;
  rules_.hostname = options.hostname;
  scheduler_.set_limits(options.remote, options.times);
}

NextHop RemoteDelivery::hop_for(const std::string& domain) const {
  if (!options_.relayhost.empty()) return parse_next_hop(options_.relayhost, options_.smtp_port);
  if (domain.starts_with('[')) return parse_next_hop(domain, options_.smtp_port);
  return {domain, options_.smtp_port, true, false};
}

void RemoteDelivery::take(Active& message, const Groups& groups) {
  // All domains of one hop go together: behind a relayhost a message is one attempt.
  std::map<std::string, std::pair<NextHop, std::vector<std::uint32_t>>> hops;
  for (const auto& [domain, numbers] : groups) {
    auto hop = hop_for(domain);
    auto& together = hops.try_emplace(hop.key(), hop, std::vector<std::uint32_t>{}).first->second.second;
    together.insert(together.end(), numbers.begin(), numbers.end());
  }
  for (auto& [key, entry] : hops) {
    auto& [hop, numbers] = entry;
    if (hop.is_address) {
      resolved(message.key, hop, numbers, address_answer(hop.name));
    } else if (!is_lookup_name(hop.name)) {
      const bool is_relay = !options_.relayhost.empty();
      core_.report(message.key,
                   for_all(numbers, is_relay ? Fate::deferred : Fate::failed, is_relay ? "4.4.4" : "5.1.2",
                           "the domain is malformed"),
                   times_now());
    } else if (const auto* known = answers_.known(key, monotonic_now())) {
      resolved(message.key, hop, numbers, *known);
    } else {
      answers_.ask(key, [this, hop, message = message.key, numbers](const Resolved& answer) {
        resolved(message, hop, numbers, answer);
      });
    }
  }
}

bool RemoteDelivery::ask(std::uint64_t id, const std::string& key) {
  auto* remote = newest();
  if (remote == nullptr) return false;
  // The key is that of a hop: "domain:port" or "[host]:port".
  const auto hop = parse_next_hop(key, options_.smtp_port);
  return remote->send(Resolve{id, hop.name, hop.use_mx});
}

void RemoteDelivery::resolved(std::uint64_t message, const NextHop& hop, const std::vector<std::uint32_t>& numbers,
                              const Resolved& answer) {
  const bool is_relay = !options_.relayhost.empty();
  if (!is_relay && hop.is_address && options_.no_dns) {
    return core_.report(message, for_all(numbers, Fate::deferred, "4.4.3", "disable_dns_lookups is set"), times_now());
  }
  // A host that the administrator named in brackets is meant, whatever its address is; one that a stranger named is
  // not.
  static const MxRules trusting{"", [](std::string_view) { return false; }, [](std::string_view) { return false; }};
  const auto exchange = judge_answer(answer, hop.name, is_relay && !hop.use_mx ? trusting : rules_);
  if (exchange) return wait_at(message, *exchange, hop.port, numbers);
  auto why = exchange.error();
  if (is_relay) {
    // All mail goes this way: what is wrong with it is to be mended, not told to everybody who wrote.
    log::warning("relayhost {} cannot be used: {}", options_.relayhost, why.text);
    why.fate = Fate::deferred;
    why.status = "4.4.4";
  }
  core_.report(message, for_all(numbers, why.fate, why.status, why.text), times_now());
}

void RemoteDelivery::wait_at(std::uint64_t message, const Exchange& exchange, std::uint16_t port,
                             const std::vector<std::uint32_t>& numbers) {
  const std::string name = exchange.site + ":" + std::to_string(port);
  if (const auto* dead = scheduler_.dead(name, monotonic_now())) {
    // A message that became too old since the site was last tried has one more try.
    const Active* active = core_.find(message);
    const auto arrival = WallTime(std::chrono::microseconds(active->message.envelope.arrival));
    const auto lifetimes = core_.times_for(*active);
    const bool last_try = is_too_old(arrival, wall_now(), lifetimes) && !is_too_old(arrival, dead->tried, lifetimes);
    if (!last_try) return suspend({{message, name, numbers}}, *dead);
  }
  auto& site = sites_[name];
  site.exchange = exchange;  // the newest answer of DNS
  site.port = port;
  scheduler_.add(message, name, numbers);
  pump();
}

void RemoteDelivery::suspend(const std::vector<Scheduler::Batch>& batches, Scheduler::Dead dead) {
  AttemptTimes times = times_now();
  times.begun_wall = dead.tried;
  for (const auto& batch : batches) {
    core_.report(batch.message,
                 for_all(batch.numbers, Fate::deferred, "4.4.1", "delivery temporarily suspended: " + dead.reason),
                 times, {.dead_site = batch.site, .process_lost = false});
  }
}

void RemoteDelivery::wait_for(const std::string& site, const std::string& queue_id) {
  scheduler_.wait_for(site, queue_id);
}

void RemoteDelivery::sweep() {
  scheduler_.sweep(monotonic_now());
  Resolved late;
  late.text = "the sending process does not answer";
  answers_.expire(monotonic_now(), answer_patience, late);
}

void RemoteDelivery::pump() {
  if (posted_) return;
  posted_ = true;
  pool_.post([this] {
    posted_ = false;
    while (newest() != nullptr) {
      auto batch = scheduler_.next();
      if (!batch) return;
      start(std::move(*batch));
    }
  });
}

void RemoteDelivery::start(Scheduler::Batch batch) {
  Active* message = core_.find(batch.message);
  check(message != nullptr, "a message left the core before its recipients");
  if (message->wish != Wish::none) {
    scheduler_.abandoned(batch.site);
    forget_if_idle(batch.site);
    return core_.skip(batch.message, batch.numbers.size());
  }
  const auto& site = sites_.at(batch.site);
  Attempt attempt;
  attempt.id = next_id_++;
  attempt.queue_id = message->queue_id;
  attempt.message = message->file.duplicate();
  attempt.reverse_path = message->message.reverse_path(message->recipient(batch.numbers.front()));
  attempt.smtputf8 = message->message.envelope.smtputf8;
  attempt.targets = choose_targets(site.exchange, site.port, random_below);
  for (const auto number : batch.numbers) {
    attempt.recipients.push_back({number, message->recipient(number).address});
  }
  const auto id = attempt.id;
  pending_.emplace(id,
                   Pending{batch.message, remotes_.rbegin()->first, batch.site, std::move(batch.numbers), times_now()});
  if (!attempt.message) return lost(id, "no descriptor is left");
  if (!newest()->send(std::move(attempt))) lost(id, "the sending process takes nothing more");
}

void RemoteDelivery::lost(std::uint64_t id, const std::string& why) {
  const Pending pending = std::move(pending_.extract(id).mapped());
  scheduler_.abandoned(pending.site);
  forget_if_idle(pending.site);
  core_.report(pending.message, for_all(pending.numbers, Fate::deferred, "4.3.0", why), pending.times,
               {.dead_site = {}, .process_lost = true});
  pump();
}

void RemoteDelivery::attempted(std::uint32_t instance, Attempted message) {
  const auto found = pending_.find(message.id);
  auto results = found == pending_.end() || found->second.instance != instance
                     ? std::nullopt
                     : match_results(found->second.numbers, std::move(message.results));
  if (!results) return remotes_.at(instance)->close("a result for an attempt that it was not given");
  Pending pending = std::move(pending_.extract(found).mapped());
  const auto most = std::chrono::ceil<Milliseconds>(monotonic_now() - pending.times.begun);
  pending.times.setup = std::min(Milliseconds(message.setup_ms), most);
  pending.times.transfer = std::min(Milliseconds(message.transfer_ms), most - pending.times.setup);
  if (!message.site_dead) {
    const auto released = scheduler_.reached(pending.site);
    forget_if_idle(pending.site);
    core_.report(pending.message, std::move(*results), pending.times);
    if (!released.empty()) core_.release(released);
    return pump();
  }
  const std::string reason = results->empty() ? "no host answers" : one_line(results->front().text);
  constexpr std::uint64_t steps = 1024;
  const double jitter = static_cast<double>(random_below(steps)) / steps;
  const auto given_up = scheduler_.unreachable(pending.site, reason, monotonic_now(), wall_now(), jitter);
  forget_if_idle(pending.site);
  const auto* dead = scheduler_.dead(pending.site, monotonic_now());
  core_.report(pending.message, std::move(*results), pending.times,
               {.dead_site = dead != nullptr ? pending.site : std::string(), .process_lost = false});
  if (!given_up.empty()) suspend(given_up, {{}, wall_now(), reason});
  pump();
}

void RemoteDelivery::add_remote(std::uint32_t instance, std::unique_ptr<ipc::Door> door) {
  if (remotes_.contains(instance)) remote_closed(instance, "a new door came");
  door->on<Resolved>([this](Resolved answer) {
    const auto id = answer.id;
    const auto lifetime = lifetime_of(answer);
    // An answer to the question of a predecessor is no harm.
    (void)answers_.answered(id, std::move(answer), lifetime, monotonic_now());
  });
  door->on<Attempted>([this, instance](Attempted message) { attempted(instance, std::move(message)); });
  door->on_close([this, instance](const std::string& why) { remote_closed(instance, why); });
  auto& kept = remotes_[instance];
  kept = std::move(door);
  kept->open();
  answers_.pump();
  pump();
}

void RemoteDelivery::remote_closed(std::uint32_t instance, const std::string& why) {
  const auto door = std::move(remotes_.extract(instance).mapped());
  std::vector<std::uint64_t> ids;
  for (const auto& [id, pending] : pending_) {
    if (pending.instance == instance) ids.push_back(id);
  }
  for (const auto id : ids) lost(id, "the sending process ended: " + why);
  answers_.ask_again();
  answers_.pump();
}

/// What is known of a site is kept only while somebody waits there.
void RemoteDelivery::forget_if_idle(const std::string& name) {
  if (!scheduler_.has(name)) sites_.erase(name);
}

ipc::Door* RemoteDelivery::newest() {
  return remotes_.empty() ? nullptr : remotes_.rbegin()->second.get();
}

}  // namespace facteur::queue
