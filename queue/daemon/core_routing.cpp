// Core: handing out the recipients of a message to local and remote delivery, and replacing those that are aliases.
#include <algorithm>

#include "common/base/in_hand.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "queue/daemon/core.h"
#include "queue/daemon/log_lines.h"
#include "queue/daemon/records.h"

namespace facteur::queue {
namespace {

/// What routing made of the recipients of one message.
struct Sorted {
  Transport::Groups accounts;
  Transport::Groups domains;
  std::vector<std::pair<std::uint32_t, std::vector<std::string>>> replaced;
  std::vector<RecipientResult> refused;
};

/// Files a recipient under what is to be done with it.
struct Sorter {
  Sorted& out;
  std::vector<std::string>& accounts;
  std::uint32_t number;

  void operator()(ToAccount to) {
    out.accounts[to.account].push_back(number);
    accounts.at(number - 1) = std::move(to.account);
  }
  void operator()(ToDomain to) { out.domains[to_lower(to.domain)].push_back(number); }
  void operator()(ToOthers to) { out.replaced.emplace_back(number, std::move(to.addresses)); }
  void operator()(const NoWay& why) { out.refused.push_back(own_result(number, why.fate, why.status, why.text)); }
};

}  // namespace

void Core::route(Active& active) {
  const InHand noted(active.queue_id);
  active.routing = true;
  active.open = active.weight;
  if (active.wish != Wish::none) {
    active.open = 0;
  } else if (!refuse_loop(active)) {
    sort_out(active, 1);
  }
  active.routing = false;
  advance(active);
}

/// A message that passed too many hosts goes round in circles (RFC 5321 section 6.3).
bool Core::refuse_loop(Active& active) {
  if (active.message.end.hops < options_.hopcount_limit) return false;
  std::vector<RecipientResult> results;
  for (const auto& state : active.message.recipients) {
    if (state.standing != Standing::pending) continue;
    results.push_back(own_result(state.recipient.number, Fate::failed, "5.4.6", "too many hops"));
  }
  report(active.key, std::move(results), times_now());
  return true;
}

void Core::sort_out(Active& active, std::uint32_t first_number) {
  Sorted sorted;
  const auto& recipients = active.message.recipients;
  for (auto number = first_number; number <= recipients.size(); ++number) {
    const auto& state = recipients[number - 1];
    if (state.standing != Standing::pending) continue;
    std::visit(Sorter{sorted, active.accounts, number}, router_->decide(state.recipient));
  }
  if (!sorted.refused.empty()) report(active.key, std::move(sorted.refused), times_now());
  if (!sorted.replaced.empty()) replace(active, std::move(sorted.replaced));
  if (!sorted.accounts.empty()) local_->take(active, sorted.accounts);
  if (!sorted.domains.empty()) remote_->take(active, sorted.domains);
}

void Core::replace(Active& active, std::vector<std::pair<std::uint32_t, std::vector<std::string>>> replaced) {
  std::unordered_set<std::string> there;
  for (const auto& state : active.message.recipients) there.insert(to_lower(state.recipient.address));
  for (const auto& [number, addresses] : replaced) there.erase(to_lower(active.recipient(number).address));

  std::vector<Recipient> children;
  std::vector<std::uint32_t> parents;
  std::vector<RecipientResult> too_many;
  for (auto& [number, addresses] : replaced) {
    if (active.message.recipients.size() + children.size() + addresses.size() > 2 * max_recipients) {
      too_many.push_back(own_result(number, Fate::failed, "5.4.6", "its aliases make too many recipients"));
      continue;
    }
    parents.push_back(number);
    for (auto& address : addresses) {
      if (address.size() > max_address || !there.insert(to_lower(address)).second) continue;  // each gets one copy
      Recipient child = active.recipient(number);
      child.number = static_cast<std::uint32_t>(active.message.recipients.size() + children.size() + 1);
      child.parent = number;
      child.address = std::move(address);
      children.push_back(std::move(child));
    }
  }
  if (!too_many.empty()) report(active.key, std::move(too_many), times_now());
  if (parents.empty()) return;

  std::string added;
  for (const auto& child : children) append_record(added, RecordKind::recipient, child);
  std::vector<Outcome> outcomes;
  for (const auto number : parents) outcomes.push_back({number, "2.0.0", "replaced by its aliases"});
  // What replaces a recipient is safe before the recipient is finished.
  const auto write = [spool = spool_, queue_id = active.queue_id, end = active.message.log_end,
                      added = std::move(added),
                      expanded = event_records(RecordKind::expanded, outcomes, wall_now())]() -> Result<std::uint64_t> {
    const auto between = added.empty() ? end : spool->append(queue_id, end, added, true);
    if (!between) return between;
    return spool->append(queue_id, *between, expanded, false);
  };
  active.working = true;
  pool_.run(write, [this, key = active.key, children = std::move(children),
                    parents = std::move(parents)](const Result<std::uint64_t>& appended) mutable {
    this->replaced(key, std::move(children), std::move(parents), appended);
  });
}

void Core::replaced(std::uint64_t key, std::vector<Recipient> children, std::vector<std::uint32_t> parents,
                    const Result<std::uint64_t>& appended) {
  Active& active = *find(key);
  active.working = false;
  if (!appended) {
    std::vector<RecipientResult> results;
    for (const auto number : parents) {
      results.push_back(own_result(number, Fate::deferred, "4.3.0", appended.error().text));
    }
    return report(key, std::move(results), times_now());
  }
  active.message.log_end = *appended;
  const auto first = static_cast<std::uint32_t>(active.message.recipients.size() + 1);
  for (const auto number : parents) {
    active.message.recipients[number - 1].standing = Standing::expanded;
    if (std::ranges::find(children, number, &Recipient::parent) == children.end()) log_merged(active, number);
  }
  for (auto& child : children) active.message.recipients.push_back({std::move(child), Standing::pending, {}, {}});
  active.accounts.resize(active.message.recipients.size());
  active.open += children.size();
  active.open -= parents.size();
  active.weight += children.size();
  recipients_in_core_ += children.size();
  active.routing = true;
  sort_out(active, first);
  active.routing = false;
  advance(active);
}

/// Nothing will be said of it later: whom it stands for are recipients of this message already.
void Core::log_merged(const Active& active, std::uint32_t number) const {
  const auto result = own_result(number, Fate::delivered, "2.0.0", "whom it stands for are recipients already");
  const auto delays = delays_of(active, times_now());
  log::write(log::Level::info, delivery_line(active.queue_id, active.recipient(number), result, delays));
}

}  // namespace facteur::queue
