// One mailbox in memory. Each change makes a new snapshot: slow for large mailboxes, and plainly right.
#include "common/store/memory/mailbox.h"

#include <algorithm>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/time.h"
#include "common/store/content.h"
#include "common/store/copy.h"
#include "common/store/flags.h"

namespace facteur::store {
namespace {

std::int64_t date_or_now(std::int64_t date) {
  return date != 0 ? date : std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
}

/// The keyword bits of each message; names new to `table` are added while there is room.
std::vector<std::uint64_t> all_bits(std::vector<std::string>& table, std::span<const NewMessage> messages) {
  std::vector<std::uint64_t> out;
  for (const auto& message : messages) {
    auto& bits = out.emplace_back(0);
    for (const auto& name : message.keywords) bits |= add_keywords(table, {name}).value_or(0);
  }
  return out;
}

}  // namespace

MemoryState::MemoryState(std::uint32_t uid_validity) {
  Snapshot empty;
  empty.uid_validity = uid_validity;
  tombstones.start(empty.highest_modseq);
  snapshot = std::make_shared<const Snapshot>(std::move(empty));
}

Snapshot MemoryState::next() const {
  Snapshot changed = *snapshot;
  ++changed.highest_modseq;
  return changed;
}

void MemoryState::publish(Snapshot changed, int by) {
  snapshot = std::make_shared<const Snapshot>(std::move(changed));
  for (const int watcher : watchers) {
    if (watcher != by) (void)::eventfd_write(watcher, 1);  // a full counter is readable already
  }
}

Appended MemoryState::add(Snapshot& changed, std::span<const NewMessage> messages,
                          const std::vector<std::string>& all_octets, const std::vector<std::uint64_t>& bits) {
  Appended appended{.uid_validity = changed.uid_validity, .uids = {}};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto octets = std::make_shared<const std::string>(to_crlf(all_octets[i]));
    const Uid uid = changed.uid_next++;
    changed.records.push_back({.uid = uid,
                               .flags = {messages[i].system_flags, bits[i]},
                               .modseq = changed.highest_modseq,
                               .internal_date = date_or_now(messages[i].internal_date),
                               .size = octets->size(),
                               .open_end = !octets->empty() && octets->back() != '\n'});
    contents[uid] = std::move(octets);
    appended.uids.push_back(uid);
  }
  return appended;
}

MemoryMailbox::MemoryMailbox(std::shared_ptr<MemoryState> state, bool read_only)
    : state_(std::move(state)), read_only_(read_only), watch_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const std::scoped_lock lock(state_->mutex);
  if (watch_) state_->watchers.insert(watch_.get());
}

MemoryMailbox::~MemoryMailbox() {
  const std::scoped_lock lock(state_->mutex);
  state_->watchers.erase(watch_.get());
}

Result<Status> MemoryMailbox::status() {
  const std::scoped_lock lock(state_->mutex);
  return count(*state_->snapshot, state_->first_recent);
}

Result<std::shared_ptr<const Snapshot>> MemoryMailbox::snapshot() {
  const std::scoped_lock lock(state_->mutex);
  return state_->snapshot;
}

Result<Uid> MemoryMailbox::first_recent(bool claim) {
  const std::scoped_lock lock(state_->mutex);
  const Uid first = state_->first_recent;
  if (claim && !read_only_) state_->first_recent = state_->snapshot->uid_next;
  return first;
}

std::shared_ptr<const std::string> MemoryMailbox::content(Uid uid) {
  const std::scoped_lock lock(state_->mutex);
  const auto at = state_->contents.find(uid);
  return at == state_->contents.end() ? nullptr : at->second;
}

Result<std::unique_ptr<Content>> MemoryMailbox::open(Uid uid) {
  auto octets = content(uid);
  if (!octets) return refuse_gone(uid);
  return std::make_unique<StringContent>(std::move(octets));
}

Result<std::shared_ptr<const mime::Summary>> MemoryMailbox::summary(Uid uid, mime::Aspects /*wanted*/) {
  const auto octets = content(uid);
  if (!octets) return refuse_gone(uid);
  return std::make_shared<const mime::Summary>(mime::summarize(*octets));
}

Result<Appended> MemoryMailbox::append(std::span<const NewMessage> messages) {
  if (read_only_) return refuse_read_only();
  if (auto good = check_keywords(messages); !good) return fail(good);
  std::vector<std::string> octets;
  for (const auto& message : messages) {
    NewContent content(message);
    auto all = read_all(content);
    if (!all) return fail(all);
    octets.push_back(*std::move(all));
  }
  const std::scoped_lock lock(state_->mutex);
  Snapshot changed = state_->next();
  const auto bits = all_bits(changed.keywords, messages);
  auto appended = state_->add(changed, messages, octets, bits);
  state_->publish(std::move(changed), watch_.get());
  return appended;
}

Result<> MemoryMailbox::change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                     const std::vector<std::string>& keywords) {
  if (read_only_) return refuse_read_only();
  const std::scoped_lock lock(state_->mutex);
  Snapshot changed = state_->next();
  Flags by{.system = system_flags, .keywords = keyword_bits(changed.keywords, keywords)};
  if (how != FlagChange::remove) {
    const auto bits = add_keywords(changed.keywords, keywords);
    if (!bits) return fail(bits);
    by.keywords = *bits;
  }
  bool differs = changed.keywords.size() != state_->snapshot->keywords.size();
  for (const Uid uid : uids) {
    const auto at = std::ranges::lower_bound(changed.records, uid, {}, &Record::uid);
    if (at == changed.records.end() || at->uid != uid) continue;
    const Flags flags = change(at->flags, how, by);
    if (flags == at->flags) continue;
    at->flags = flags;
    at->modseq = changed.highest_modseq;
    differs = true;
  }
  if (differs) state_->publish(std::move(changed), watch_.get());
  return {};
}

Result<std::vector<Uid>> MemoryMailbox::expunge(std::span<const Uid> uids) {
  if (read_only_) return refuse_read_only();
  const std::scoped_lock lock(state_->mutex);
  std::vector<Uid> gone;
  for (const Uid uid : uids) {
    if (state_->contents.erase(uid) > 0) gone.push_back(uid);
  }
  if (gone.empty()) return gone;
  Snapshot changed = state_->next();
  std::ranges::sort(gone);
  for (const Uid uid : gone) state_->tombstones.add(changed.highest_modseq, uid);
  std::erase_if(changed.records, [&](const Record& record) { return !state_->contents.contains(record.uid); });
  state_->publish(std::move(changed), watch_.get());
  return gone;
}

Result<std::vector<UidRange>> MemoryMailbox::expunged_since(std::uint64_t modseq) {
  const std::scoped_lock lock(state_->mutex);
  const auto& now = *state_->snapshot;
  return store::expunged_since(modseq, state_->tombstones, now.records, now.uid_next);
}

Result<Appended> MemoryMailbox::copy(std::span<const Uid> uids, Mailbox& to) {
  return copy_octets(*this, uids, to);
}

void MemoryMailbox::drain_watch() {
  eventfd_t value = 0;
  (void)::eventfd_read(watch_.get(), &value);  // nothing there is no error
}

}  // namespace facteur::store
