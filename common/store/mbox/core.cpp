// Reading an mbox: who is who, and what changed.
#include "common/store/mbox/core.h"

#include <cerrno>
#include <fcntl.h>
#include <tuple>

#include "common/base/number.h"
#include "common/base/time.h"
#include "common/log/log.h"
#include "common/store/account_lock.h"
#include "common/store/content.h"
#include "common/store/copy.h"
#include "common/store/flags.h"

namespace facteur::store {
namespace {

/// A file that was changed this recently may be changed again without a new time.
constexpr Milliseconds tick{2000};

}  // namespace

Result<std::shared_ptr<MboxCore>> MboxCore::of(const std::string& path, const std::string& state, MboxOptions options) {
  static std::mutex mutex;
  static std::map<std::tuple<std::string, std::string, fs::Files*>, std::weak_ptr<MboxCore>> all;
  if (auto made = fs::make_directories(state, 0700); !made) return fail(made);
  auto folder = options.files->open(AT_FDCWD, state, O_RDONLY | O_DIRECTORY);
  if (!folder) return fail(folder);
  const std::scoped_lock lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  auto& known = all[{path, state, options.files}];
  auto core = known.lock();
  if (!core) {
    core = std::make_shared<MboxCore>(Key(), path, *std::move(folder), std::move(options));
    known = core;
  }
  return core;
}

MboxCore::MboxCore(Key /*key*/, std::string path, Fd state, MboxOptions options)
    : path_(std::move(path)),
      state_(std::move(state)),
      options_(std::move(options)),
      list_(state_.get(), {.files = options_.files,
                           .lock_wait = Milliseconds{5000},
                           .new_validity = [this] { return new_validity(); },
                           .seed = {},
                           .take_over = {},
                           .take_back = {}}) {
}

/// Another UIDVALIDITY than all we gave, and than the one that another server wrote into the mbox. That server's UIDs
/// are not taken over: when our list is lost the mbox still shows them, and nothing shows which UIDs we gave since.
Result<std::uint32_t> MboxCore::new_validity() {
  auto lock = AccountLock::take(state_.get(), *options_.files);
  if (!lock) return fail(lock);
  return lock->next_uid_validity(scan_.messages.empty() ? 0 : scan_.messages.front().status.uid_validity);
}

Result<std::optional<LockedMbox>> MboxCore::lock(Purpose purpose) {
  const bool create = purpose == Purpose::create;
  auto options = options_.lock;
  options.reading = purpose == Purpose::read;
  auto mbox = LockedMbox::open(path_, create, options, *options_.files);
  if (!mbox && mbox.error().errno_value == ENOENT && !create) return std::nullopt;
  if (!mbox) return fail(mbox);
  return *std::move(mbox);
}

Result<> MboxCore::refresh() {
  const auto status = options_.files->status_at(AT_FDCWD, path_);
  const Stamp now = status ? Stamp{status->st_ino, static_cast<std::uint64_t>(status->st_size), status->st_mtim.tv_sec,
                                   status->st_mtim.tv_nsec}
                           : Stamp{};
  if (snapshot_ && settled_ && now == stamp_ && list_.unchanged() && generation_ == list_.generation()) return {};
  const auto mbox = lock(Purpose::read);
  if (!mbox) return fail(mbox);
  return load(*mbox ? &**mbox : nullptr);
}

/// Reads an mbox that is locked, or that does not exist.
Result<> MboxCore::load(const LockedMbox* mbox) {
  settled_ = false;
  if (mbox == nullptr) {
    scan_ = MboxScan();
    stamp_ = Stamp();
  } else {
    const auto status = options_.files->status(mbox->fd());
    if (!status) return fail(status);
    stamp_ = {status->st_ino, static_cast<std::uint64_t>(status->st_size), status->st_mtim.tv_sec,
              status->st_mtim.tv_nsec};
    auto scan = scan_mbox(mbox->fd(), stamp_.size, *options_.files);
    if (!scan) return fail(scan);
    scan_ = *std::move(scan);
  }
  if (auto settled = settle(); !settled) return settled;
  const auto age = wall_now() - WallTime(Seconds{stamp_.seconds});
  settled_ = mbox == nullptr || age > tick;
  generation_ = list_.generation();
  publish();
  return {};
}

/// Finds the UIDs of the messages, gives new ones, forgets those of messages that are gone.
Result<> MboxCore::settle() {
  auto list = list_.lock();
  if (!list) return fail(list);
  give_uids(*list);
  std::vector<Uid> gone;
  for (const auto& entry : list_.state().entries()) {
    if (!positions_.contains(entry.uid)) gone.push_back(entry.uid);
  }
  if (!gone.empty()) (void)list->next_modseq();
  if (options_.index) options_.index->forget_summaries(list_.state().uid_validity, gone);
  for (const Uid uid : gone) list->forget(uid);
  return list->commit();
}

/// Equal messages are told apart by their order only: the first of them has the lowest UID.
void MboxCore::give_uids(UidList::Locked& list) {
  positions_.clear();
  std::map<std::string, std::deque<Uid>, std::less<>> known;
  std::map<std::string, int, std::less<>> counts;  // the highest number behind each identity
  for (const auto& entry : list_.state().entries()) {
    const auto dash = entry.base.rfind('-');
    known[entry.base.substr(0, dash)].push_back(entry.uid);
    counts[entry.base.substr(0, dash)] = parse_number<int>(entry.base.substr(dash + 1)).value_or(0);
  }
  std::uint64_t modseq = 0;
  for (std::size_t i = 0; i < scan_.messages.size(); ++i) {
    const auto& message = scan_.messages[i];
    if (message.pseudo) continue;
    auto& candidates = known[message.identity];
    Uid uid = 0;
    if (!candidates.empty()) {
      uid = candidates.front();
      candidates.pop_front();
    } else {
      if (modseq == 0) modseq = list.next_modseq();
      UidEntry entry;
      entry.base = message.identity + '-' + std::to_string(++counts[message.identity]);
      entry.size = message.size;
      entry.open_end = message.open_end;
      entry.date = message.date;
      uid = list.assign(std::move(entry));
    }
    positions_[uid] = i;
    note_flags(list, uid, message, modseq);
  }
}

void MboxCore::note_flags(UidList::Locked& list, Uid uid, const MboxMessage& message, std::uint64_t& modseq) {
  auto& entry = *list_.state().find(uid);
  const auto bits = list.define_what_fits(message.status.keywords);
  const bool known = entry.file.place != FileState::Place::missing;
  const bool changed = entry.keywords != bits || (known && entry.file.system_flags != message.status.system_flags);
  entry.file.place = FileState::Place::in_cur;
  entry.file.system_flags = message.status.system_flags;
  if (!changed) return;
  if (modseq == 0) modseq = list.next_modseq();
  list.set_keywords(uid, bits);
  entry.modseq = modseq;
}

void MboxCore::publish() {
  auto& state = list_.state();
  auto now = snapshot_without_records(state);
  for (const auto& entry : state.entries()) {
    now.records.push_back(record_of(entry));
  }
  if (!snapshot_ || *snapshot_ != now) snapshot_ = std::make_shared<const Snapshot>(std::move(now));
  status_ = count(*snapshot_, state.first_recent);
}

Result<std::shared_ptr<const Snapshot>> MboxCore::snapshot() {
  const std::scoped_lock guard(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  return snapshot_;
}

Result<Status> MboxCore::status() {
  const std::scoped_lock guard(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  return status_;
}

Result<std::vector<UidRange>> MboxCore::expunged_since(std::uint64_t modseq) {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  return list_.state().expunged_since(modseq);
}

Result<Uid> MboxCore::first_recent(bool claim) {
  const std::scoped_lock guard(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  if (!claim) return list_.state().first_recent;
  Uid first = 0;
  {
    auto list = list_.lock();
    if (!list) return fail(list);
    first = list_.state().first_recent;
    list->set_first_recent(snapshot_->uid_next);
    if (auto done = list->commit(); !done) return fail(done);
  }
  // A list that was read anew knows no flags: they are read with the mbox.
  if (generation_ != list_.generation()) {
    if (auto done = refresh(); !done) return fail(done);
  }
  status_ = count(*snapshot_, list_.state().first_recent);
  return first;
}

const MboxMessage* MboxCore::message_of(Uid uid) const {
  const auto at = positions_.find(uid);
  return at == positions_.end() ? nullptr : &scan_.messages[at->second];
}

Result<std::unique_ptr<Content>> MboxCore::open(Uid uid) {
  const std::scoped_lock guard(mutex_);
  // Offsets hold while the mbox is locked and as it was when it was read.
  const auto mbox = lock(Purpose::read);
  if (!mbox) return fail(mbox);
  if (!*mbox) return refuse_gone(uid);
  const auto& status = (*mbox)->status();
  const Stamp now{status.st_ino, (*mbox)->size(), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  if (!settled_ || now != stamp_) {
    if (auto loaded = load(&**mbox); !loaded) return fail(loaded);
  }
  const auto* message = message_of(uid);
  if (message == nullptr) return refuse_gone(uid);
  const auto length = message->end - message->header;
  if (length > max_mbox_message) return fail(Kind::permanent, "message " + std::to_string(uid) + " is too large");
  const auto raw = options_.files->read_at((*mbox)->fd(), message->header, static_cast<std::size_t>(length));
  if (!raw) return fail(raw);
  return std::make_unique<StringContent>(std::make_shared<const std::string>(mbox_content(*raw)));
}

Result<std::shared_ptr<const mime::Summary>> MboxCore::summary(Uid uid, mime::Aspects wanted) {
  Result<MessageKey> key;
  {
    const std::scoped_lock guard(mutex_);
    // What the session knows of is enough: its client has not heard of what came or went since.
    if (!snapshot_) {
      if (auto done = refresh(); !done) return fail(done);
    }
    key = key_of(uid, *snapshot_, list_.state());
  }
  if (!key) return fail(key);
  return summary_of(*key, wanted, options_.index.get(), [&] { return open(uid); });
}

}  // namespace facteur::store
