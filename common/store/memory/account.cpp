// Mailboxes in memory.
#include "common/store/memory/account.h"

#include <map>
#include <mutex>
#include <set>

#include "common/base/strings.h"
#include "common/store/mailbox_name.h"
#include "common/store/memory/mailbox.h"

namespace facteur::store {

/// All mailboxes of one account. Members are used under `mutex`.
class MemoryStore {
 public:
  explicit MemoryStore(std::uint32_t first_validity) : validity(first_validity) { make("INBOX"); }

  void make(const std::string& name) { boxes[name] = std::make_shared<MemoryState>(validity++); }

  std::mutex mutex;
  std::uint32_t validity;
  std::map<std::string, std::shared_ptr<MemoryState>> boxes;
  std::set<std::string> subscribed;
};

namespace {

std::unexpected<Error> refuse(std::string_view name, std::string_view why) {
  return fail(Kind::permanent, "mailbox " + printable(name, 64) + " " + std::string(why));
}

/// RENAME INBOX: the messages move, INBOX stays (RFC 3501 section 6.3.5).
void move_messages(MemoryState& from, MemoryState& to) {
  const std::scoped_lock lock(from.mutex, to.mutex);
  Snapshot moved = *from.snapshot;
  moved.uid_validity = to.snapshot->uid_validity;
  to.contents = std::move(from.contents);
  to.first_recent = from.first_recent;
  to.publish(std::move(moved), -1);
  Snapshot left = from.next();
  left.records.clear();
  from.contents.clear();
  from.publish(std::move(left), -1);
}

}  // namespace

MemoryAccount::MemoryAccount(std::uint32_t uid_validity) : store_(std::make_shared<MemoryStore>(uid_validity)) {
}

Result<std::vector<Listed>> MemoryAccount::list() {
  const std::scoped_lock lock(store_->mutex);
  std::set<std::string> names;
  for (const auto& [name, state] : store_->boxes) names.insert(name);
  auto out = listing(names);
  for (auto& listed : out) {
    const auto box = store_->boxes.find(listed.name);
    if (box == store_->boxes.end()) continue;
    const std::scoped_lock state_lock(box->second->mutex);
    listed.recent = box->second->first_recent < box->second->snapshot->uid_next;
  }
  return out;
}

Result<std::unique_ptr<Mailbox>> MemoryAccount::open(std::string_view name, bool read_only) {
  const auto canonical = canonical_name(name);
  if (!canonical) return fail(canonical);
  const std::scoped_lock lock(store_->mutex);
  const auto box = store_->boxes.find(*canonical);
  if (box == store_->boxes.end()) return refuse(name, "does not exist");
  return std::make_unique<MemoryMailbox>(box->second, read_only);
}

Result<Status> MemoryAccount::status(std::string_view name) {
  const auto mailbox = open(name, true);
  if (!mailbox) return fail(mailbox);
  return (*mailbox)->status();
}

Result<> MemoryAccount::create(std::string_view name) {
  const auto canonical = canonical_name(name);
  if (!canonical) return fail(canonical);
  const std::scoped_lock lock(store_->mutex);
  if (store_->boxes.contains(*canonical)) return refuse(name, "exists");
  store_->make(*canonical);
  return {};
}

Result<> MemoryAccount::remove(std::string_view name) {
  const auto canonical = canonical_name(name);
  if (!canonical) return fail(canonical);
  if (*canonical == "INBOX") return refuse(name, "cannot be deleted");
  const std::scoped_lock lock(store_->mutex);
  if (store_->boxes.erase(*canonical) == 0) return refuse(name, "does not exist");
  return {};
}

Result<> MemoryAccount::rename(std::string_view from, std::string_view to) {
  const auto old_name = canonical_name(from);
  const auto new_name = canonical_name(to);
  if (!old_name) return fail(old_name);
  if (!new_name) return fail(new_name);
  const std::scoped_lock lock(store_->mutex);
  auto& boxes = store_->boxes;
  if (boxes.contains(*new_name)) return refuse(to, "exists");
  if (is_below(*new_name, *old_name) && *old_name != "INBOX") return refuse(to, "lies below its old name");
  if (*old_name == "INBOX") {
    store_->make(*new_name);
    move_messages(*boxes["INBOX"], *boxes[*new_name]);
    return {};
  }
  std::map<std::string, std::shared_ptr<MemoryState>> moved;
  for (const auto& [name, state] : boxes) {
    if (name == *old_name || is_below(name, *old_name)) moved[*new_name + name.substr(old_name->size())] = state;
  }
  if (moved.empty()) return refuse(from, "does not exist");
  for (const auto& [name, state] : moved) {
    if (boxes.contains(name)) return refuse(name, "exists");
  }
  std::erase_if(boxes, [&](const auto& box) { return box.first == *old_name || is_below(box.first, *old_name); });
  boxes.merge(moved);
  return {};
}

Result<std::vector<std::string>> MemoryAccount::subscriptions() {
  const std::scoped_lock lock(store_->mutex);
  return std::vector<std::string>(store_->subscribed.begin(), store_->subscribed.end());
}

Result<> MemoryAccount::subscribe(std::string_view name, bool on) {
  auto canonical = canonical_name(name);
  if (!canonical) return fail(canonical);
  const std::scoped_lock lock(store_->mutex);
  if (on) {
    store_->subscribed.insert(*std::move(canonical));
  } else {
    store_->subscribed.erase(*canonical);
  }
  return {};
}

}  // namespace facteur::store
