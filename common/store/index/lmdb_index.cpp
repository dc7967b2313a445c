// The index in LMDB: keys, values, and what to do when it fails.
#include "common/store/index/lmdb_index.h"

#include <array>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/crc32c.h"
#include "common/fs/files.h"
#include "common/log/log.h"
#include "common/store/index/numbers.h"

namespace facteur::store {
namespace {

constexpr Seconds rest_after_failure{60};
/// Folders whose indexes are remembered, closed, when they have no user.
constexpr std::size_t max_indexes = 500;

/// The messages of a mailbox stand together in their order.
std::string message_key(std::uint32_t uid_validity, Uid uid) {
  std::string key;
  put_number(key, uid_validity, 4);
  put_number(key, uid, 4);
  return key;
}

/// Stands in front of a summary: LMDB has no checksum, and neither a damaged page nor another message's summary must
/// become an envelope.
std::uint32_t summary_checksum(const MessageKey& message, std::string_view octets) {
  return crc32c(octets, crc32c(message.name));
}

/// In front of the UID in the keys of a mailbox's records; their header has nothing behind it.
std::string record_prefix(std::string_view mailbox) {
  return std::string(mailbox) + '\0';
}

/// For the same reason, with the key: a record must not become that of another message.
std::string with_checksum(std::string_view prefix, std::string_view key, std::string_view octets) {
  std::string value;
  put_number(value, crc32c(octets, crc32c(key, crc32c(prefix))), 4);
  value += octets;
  return value;
}

std::optional<std::string_view> checked(std::string_view prefix, std::string_view key, std::string_view value) {
  if (value.size() < 4) return std::nullopt;
  const auto checksum = take_number(value, 4);
  if (checksum != crc32c(value, crc32c(key, crc32c(prefix)))) return std::nullopt;
  return value;
}

/// LMDB believes what is in its files: nobody else may have written them.
bool is_own_folder(const std::string& folder) {
  struct stat status{};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

constexpr std::size_t status_octets = 36;

/// The numbers of a status that are kept in four octets each.
template <class S>
auto small_numbers(S& status) {
  return std::array{&status.uid_validity, &status.uid_next,     &status.messages,           &status.recent,
                    &status.unseen,       &status.first_unseen, &status.first_unseen_number};
}

std::string status_value(std::string_view state, const Status& status) {
  std::string out;
  put_number(out, status.highest_modseq, 8);
  for (const auto* number : small_numbers(status)) put_number(out, *number, 4);
  return out + std::string(state);
}

}  // namespace

void LmdbIndex::close() {
  close_if_unused(Seconds{0});
}

void LmdbIndex::close_if_unused(Seconds unused) {
  const std::scoped_lock lock(mutex_);
  if (monotonic_now() - last_use_ < unused) return;
  commit();
  env_.reset();
}

/// Opens the environment if it is not, and opens it anew if its file was deleted or replaced.
bool LmdbIndex::ready() {
  const auto now = monotonic_now();
  last_use_ = now;
  if (env_ && now - last_look_ < look_interval) return true;
  last_look_ = now;
  if (env_ && env_->current()) return true;
  env_.reset();
  return now >= no_attempt_before_ && open_env();
}

bool LmdbIndex::open_env() {
  if (const auto made = fs::make_directories(folder_, 0700); !made) {
    give_up(made.error());
    return false;
  }
  if (!is_own_folder(folder_)) {
    give_up({Kind::temporary, folder_ + " is not used: it is no folder of ours alone"});
    return false;
  }
  auto env = LmdbEnv::open(folder_);
  if (!env && env.error().kind == Kind::corrupt) {
    log::warning("{}: made anew", env.error().text);
    remove_lmdb(folder_);
    env = LmdbEnv::open(folder_);
  }
  if (!env) {
    give_up(env.error());
    return false;
  }
  env_ = *std::move(env);
  return true;
}

/// After a failure: what is damaged or full is removed, and the mail is served without an index for a while.
void LmdbIndex::give_up(const Error& error) {
  log::warning("{}", error.text);
  env_.reset();
  pending_.clear();
  if (error.kind == Kind::corrupt || error.kind == Kind::permanent) remove_lmdb(folder_);
  no_attempt_before_ = monotonic_now() + rest_after_failure;
}

std::optional<std::string> LmdbIndex::get(Table table, const std::string& key) {
  if (const auto waiting = pending_.find({table, key}); waiting != pending_.end()) return waiting->second;
  if (!ready()) return std::nullopt;
  auto value = env_->get(table, key);
  if (value) return *std::move(value);
  give_up(value.error());
  return std::nullopt;
}

void LmdbIndex::put(Table table, std::string key, std::optional<std::string> value) {
  if (key.size() > LmdbEnv::max_key || (value && value->size() > max_value)) return;
  pending_[{table, std::move(key)}] = std::move(value);
  if (pending_.size() >= max_pending || monotonic_now() - last_commit_ >= commit_interval) commit();
}

void LmdbIndex::commit() {
  last_commit_ = monotonic_now();
  if (pending_.empty()) return;
  std::vector<LmdbChange> changes;
  changes.reserve(pending_.size());
  for (auto& [name, value] : pending_) changes.push_back({name.first, name.second, std::move(value)});
  pending_.clear();
  (void)change({.changes = changes});
}

/// True if it was made.
bool LmdbIndex::change(const LmdbBatch& batch) {
  last_look_ = {};  // what is written must not go into a file without a name
  if (!ready()) return false;
  const auto changed = env_->change(batch);
  if (!changed) give_up(changed.error());
  return changed && *changed;
}

std::optional<std::string> LmdbIndex::summary(const MessageKey& message) {
  const std::scoped_lock lock(mutex_);
  auto value = get(summaries, message_key(message.uid_validity, message.uid));
  if (!value || value->size() < 4) return std::nullopt;
  std::string_view rest = *value;
  if (take_number(rest, 4) != summary_checksum(message, rest)) return std::nullopt;
  value->erase(0, 4);
  return value;
}

void LmdbIndex::keep_summary(const MessageKey& message, std::string_view octets) {
  std::string value;
  put_number(value, summary_checksum(message, octets), 4);
  value += octets;
  const std::scoped_lock lock(mutex_);
  put(summaries, message_key(message.uid_validity, message.uid), std::move(value));
}

void LmdbIndex::forget_summaries(std::uint32_t uid_validity, std::span<const Uid> uids) {
  const std::scoped_lock lock(mutex_);
  for (const Uid uid : uids) put(summaries, message_key(uid_validity, uid), std::nullopt);
}

std::optional<Status> LmdbIndex::counters(std::string_view mailbox, std::string_view state) {
  const std::scoped_lock lock(mutex_);
  const auto known = remembered_.find(mailbox);
  if (known != remembered_.end() && known->second.state == state) return known->second.status;
  if (known != remembered_.end() && known->second.status.messages <= small_mailbox) return std::nullopt;
  const auto value = get(counter_table, std::string(mailbox));
  if (!value || value->size() < status_octets || std::string_view(*value).substr(status_octets) != state) {
    return std::nullopt;
  }
  std::string_view rest = *value;
  Status status;
  status.highest_modseq = take_number(rest, 8);
  for (auto* number : small_numbers(status)) *number = static_cast<std::uint32_t>(take_number(rest, 4));
  remember(mailbox, state, status);
  return status;
}

void LmdbIndex::remember(std::string_view mailbox, std::string_view state, const Status& status) {
  if (remembered_.size() >= max_remembered) remembered_.clear();
  remembered_.insert_or_assign(std::string(mailbox), Counters{std::string(state), status});
}

void LmdbIndex::keep_counters(std::string_view mailbox, std::string_view state, const Status& status) {
  const std::scoped_lock lock(mutex_);
  const auto known = remembered_.find(mailbox);
  if (known != remembered_.end() && known->second.state == state) return;
  remember(mailbox, state, status);
  if (status.messages > small_mailbox) put(counter_table, std::string(mailbox), status_value(state, status));
}

bool LmdbIndex::records(std::string_view mailbox, const std::function<bool(std::string_view)>& wants,
                        const std::function<bool(Uid, std::string_view)>& each) {
  const std::scoped_lock lock(mutex_);
  if (!ready()) return false;
  const auto prefix = record_prefix(mailbox);
  bool good = false;
  const auto done = env_->visit(record_table, prefix, [&](std::string_view key, std::string_view value) {
    const auto octets = checked(prefix, key, value);
    // The header comes first: behind the mailbox it has no UID.
    good = octets && (key.empty() ? wants(*octets) : good && each(static_cast<Uid>(take_number(key, 4)), *octets));
    return good;
  });
  if (!done) give_up(done.error());
  return done && good;
}

bool LmdbIndex::keep_records(std::string_view mailbox, std::string_view before, std::string_view after,
                             std::span<const RecordChange> changes) {
  const auto prefix = record_prefix(mailbox);
  if (prefix.size() + 4 > LmdbEnv::max_key) return false;
  std::vector<LmdbChange> all;
  all.reserve(changes.size() + 1);
  all.push_back({record_table, prefix, with_checksum(prefix, {}, after)});
  for (const auto& [uid, octets] : changes) {
    std::string key;
    put_number(key, uid, 4);
    auto value = octets ? std::optional(with_checksum(prefix, key, *octets)) : std::nullopt;
    all.push_back({record_table, prefix + key, std::move(value)});
  }
  const LmdbChange there{record_table, prefix, with_checksum(prefix, {}, before)};
  const std::scoped_lock lock(mutex_);
  return change(
      {.changes = all, .condition = before.empty() ? nullptr : &there, .emptied = before.empty() ? &there : nullptr});
}

void LmdbIndex::forget_records(std::string_view mailbox) {
  const LmdbChange all{record_table, record_prefix(mailbox), std::nullopt};
  const std::scoped_lock lock(mutex_);
  (void)change({.changes = {}, .emptied = &all});
}

namespace {

/// The indexes of this process, by folder.
struct Indexes {
  struct Slot {
    std::unique_ptr<LmdbIndex> index;
    std::weak_ptr<Index> users;
    std::uint64_t used = 0;  ///< when its last user went, as a count
  };
  static Indexes& instance() {
    static auto& all = *new Indexes;  // not destroyed at the end, when a user may come back
    return all;
  }

  /// Its last user went.
  void leave(const std::string& folder) {
    // Closed under the mutex: a second handle on the same files must not be opened meanwhile.
    const std::scoped_lock lock(mutex);
    const auto at = slots.find(folder);
    if (at == slots.end() || !at->second.users.expired()) return;
    at->second.index->close();
    at->second.used = ++uses;
    if (slots.size() <= max_indexes) return;
    auto oldest = at;
    for (auto other = slots.begin(); other != slots.end(); ++other) {
      if (other->second.users.expired() && other->second.used < oldest->second.used) oldest = other;
    }
    slots.erase(oldest);
  }

  std::mutex mutex;
  std::map<std::string, Slot> slots;
  std::uint64_t uses = 0;
};

}  // namespace

std::shared_ptr<Index> open_index(const std::string& folder) {
  auto& all = Indexes::instance();
  const std::scoped_lock lock(all.mutex);
  auto& slot = all.slots[folder];
  if (auto users = slot.users.lock()) return users;
  if (!slot.index) slot.index = std::make_unique<LmdbIndex>(folder);
  std::shared_ptr<Index> users(slot.index.get(), [folder](Index*) { Indexes::instance().leave(folder); });
  slot.users = users;
  return users;
}

void close_unused_indexes(Seconds unused) {
  auto& all = Indexes::instance();
  const std::scoped_lock lock(all.mutex);
  for (auto& [folder, slot] : all.slots) slot.index->close_if_unused(unused);
}

}  // namespace facteur::store
