// The shared core of a Maildir mailbox: finding it, counters, contents.
#include "common/store/maildir/core.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <tuple>

#include "common/base/time.h"
#include "common/store/content.h"
#include "common/store/copy.h"
#include "common/store/file_content.h"
#include "common/store/flags.h"
#include "common/store/maildir/sweep.h"

namespace facteur::store {
namespace {

/// Mailboxes that were read stay known when their last session ends: a web mailer opens the same one anew for every
/// page. They are few, since each holds descriptors and what is known of its messages. For several threads.
class Lingering {
 public:
  static Lingering& instance() {
    static auto& all = *new Lingering;  // not destroyed at the end, when what the cores use may have gone
    return all;
  }
  void use(std::shared_ptr<MaildirCore> core) {
    std::vector<Kept> gone;  // destroyed behind the lock: a core may have an index to write
    std::unique_lock lock(mutex_);
    const auto now = monotonic_now();
    std::erase_if(cores_, [&](const Kept& kept) { return kept.core == core; });
    cores_.push_back({std::move(core), now});
    const auto over = cores_.size() > most ? cores_.begin() + 1 : cores_.begin();
    const auto first = std::find_if(over, cores_.end(), [&](const Kept& kept) { return now - kept.used <= longest; });
    gone.assign(std::make_move_iterator(cores_.begin()), std::make_move_iterator(first));
    cores_.erase(cores_.begin(), first);
    lock.unlock();
    for (const auto& kept : gone) kept.core->keep_records();
  }

 private:
  struct Kept {
    std::shared_ptr<MaildirCore> core;
    MonotonicTime used;
  };
  static constexpr std::size_t most = 8;
  static constexpr Seconds longest{60};
  std::mutex mutex_;
  std::vector<Kept> cores_;  ///< the one used last is at the end
};

/// All cores of this process, by their three folders: new/ or cur/ may have been moved away and made anew.
struct Known {
  using Which = std::tuple<dev_t, ino_t, ino_t, ino_t, fs::Files*>;
  std::mutex mutex;
  std::map<Which, std::weak_ptr<MaildirCore>> cores;
  static Known& instance() {
    static auto& all = *new Known;  // not destroyed at the end, for the same reason
    return all;
  }
};

}  // namespace

Result<std::shared_ptr<MaildirCore>> MaildirCore::of(const std::string& path, MaildirOptions options) {
  auto folders = MaildirFolders::open(path, true, *options.files);
  if (!folders) return fail(folders);
  const auto status = options.files->status(folders->root.get());
  if (!status) return fail(status);
  const auto fresh = options.files->status(folders->fresh.get());
  if (!fresh) return fail(fresh);
  const auto cur = options.files->status(folders->cur.get());
  if (!cur) return fail(cur);
  auto sync = SharedSync::of(folders->cur.get(), *options.files);
  if (!sync) return fail(sync);
  auto& all = Known::instance();
  std::unique_lock lock(all.mutex);
  std::erase_if(all.cores, [](const auto& entry) { return entry.second.expired(); });
  auto& known = all.cores[{status->st_dev, status->st_ino, fresh->st_ino, cur->st_ino, options.files}];
  auto core = known.lock();
  if (!core) {
    core = std::make_shared<MaildirCore>(Key(), *std::move(folders), options, *std::move(sync));
    known = core;
    (void)sweep_tmp(core->folders_.tmp.get(), *core->options_.files);
  }
  lock.unlock();
  if (core->loaded_) core->linger();
  return core;
}

void MaildirCore::keep_all_records() {
  std::vector<std::shared_ptr<MaildirCore>> cores;
  {
    auto& all = Known::instance();
    const std::scoped_lock lock(all.mutex);
    for (const auto& [which, known] : all.cores) {
      if (auto core = known.lock()) cores.push_back(std::move(core));
    }
  }
  for (const auto& core : cores) core->keep_records();
}

void MaildirCore::linger() {
  // Other Files (those of tests) may go before it.
  if (options_.files == &fs::system_files()) Lingering::instance().use(shared_from_this());
}

MaildirCore::MaildirCore(Key /*key*/, MaildirFolders folders, MaildirOptions options, std::shared_ptr<SharedSync> sync)
    : folders_(std::move(folders)),
      options_(std::move(options)),
      cur_sync_(std::move(sync)),
      list_(folders_.root.get(), {.files = options_.files,
                                  .lock_wait = Milliseconds{5000},
                                  .new_validity = options_.new_validity,
                                  .seed = [this] { return seed(); },
                                  .take_over = options_.take_over,
                                  .take_back = [this](UidState& state) { return take_back(state); }}) {
}

Result<std::shared_ptr<const Snapshot>> MaildirCore::snapshot() {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  return snapshot_;
}

Result<Status> MaildirCore::status() {
  const std::scoped_lock lock(mutex_);
  // A mailbox that nobody has read, and nobody changed: the index answers, however many messages there are.
  if (!snapshot_ && options_.index) {
    const auto state = state_of_files();
    if (const auto kept = state ? options_.index->counters(state->mailbox(), state->all()) : std::nullopt) return *kept;
  }
  if (auto done = refresh(); !done) return fail(done);
  return status_;
}

Result<std::vector<UidRange>> MaildirCore::expunged_since(std::uint64_t modseq) {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  return list_.state().expunged_since(modseq);
}

Result<Uid> MaildirCore::first_recent(bool claim) {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  if (!claim || list_.state().first_recent == list_.state().uid_next) return list_.state().first_recent;
  Uid first = 0;
  {
    auto list = list_.lock();
    if (!list) return fail(list);
    first = list_.state().first_recent;
    list->set_first_recent(snapshot_->uid_next);
    if (auto done = list->commit(); !done) return fail(done);
  }
  take_out_of_new();
  if (auto done = show(); !done) return fail(done);
  return first;
}

/// Messages that a session has seen go to cur/, as other mail readers expect. What cannot be moved stays.
void MaildirCore::take_out_of_new() {
  for (const auto& record : snapshot_->records) {
    auto* entry = list_.state().find(record.uid);
    if (entry == nullptr || entry->file.place != Place::in_new) continue;
    (void)rename_to(*entry, info_for(entry->file.info, entry->file.system_flags));
  }
}

std::vector<std::string> MaildirCore::watched_folders() const {
  std::vector<std::string> out;
  for (const auto* folder : {&folders_.fresh, &folders_.cur, &folders_.root}) {
    out.push_back("/proc/self/fd/" + std::to_string(folder->get()));
  }
  return out;
}

int MaildirCore::directory_of(Place place) const {
  return place == Place::in_new ? folders_.fresh.get() : folders_.cur.get();
}

std::string MaildirCore::file_name(const UidEntry& entry) {
  return entry.base + entry.file.info;
}

Result<bool> MaildirCore::with_file(Uid uid, const std::function<Result<>(UidEntry&)>& act) {
  constexpr int attempts = 4;
  for (int i = 0; i < attempts; ++i) {
    auto* entry = list_.state().find(uid);
    if (entry == nullptr || entry->file.place == Place::missing) return false;
    auto done = act(*entry);
    if (done) return true;
    if (done.error().errno_value != ENOENT) return fail(done);
    // Somebody renamed or removed it: the folders tell which.
    if (auto looked = refresh(true); !looked) return fail(looked);
  }
  return fail(Kind::temporary, "message " + std::to_string(uid) + " is renamed all the time");
}

Result<std::unique_ptr<Content>> MaildirCore::open(Uid uid) {
  const std::scoped_lock lock(mutex_);
  if (!snapshot_) {
    if (auto done = refresh(); !done) return fail(done);
  }
  Fd fd;
  std::uint64_t size = 0;
  const auto opened = with_file(uid, [&](UidEntry& entry) -> Result<> {
    auto file =
        options_.files->open(directory_of(entry.file.place), file_name(entry), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) return fail(file);
    fd = *std::move(file);
    size = entry.size;
    return {};
  });
  if (!opened) return fail(opened);
  if (!*opened) return refuse_gone(uid);
  const auto status = options_.files->status(fd.get());
  if (!status) return fail(status);
  if (!S_ISREG(status->st_mode)) return refuse_gone(uid);
  return open_content({std::move(fd), 0, static_cast<std::uint64_t>(status->st_size)}, size, *options_.files);
}

Result<std::shared_ptr<const mime::Summary>> MaildirCore::summary(Uid uid, mime::Aspects wanted) {
  Result<MessageKey> key;
  {
    const std::scoped_lock lock(mutex_);
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
