// Reading new/ and cur/, and telling what came, what went and what changed.
//
// A file that is renamed while a folder is read may be missed by the reading. So a message that one reading did not see
// is only suspect; it is gone when a second one does not see it either.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/store/file_content.h"
#include "common/store/flags.h"
#include "common/store/maildir/core.h"

namespace facteur::store {
namespace {

/// How far a file system's clock may lag: a folder changed again this soon may show the same time.
constexpr std::int64_t tick_nanoseconds = 100'000'000;
constexpr std::int64_t coarse_tick_nanoseconds = 2'000'000'000;  // file systems that keep whole seconds

std::int64_t age_nanoseconds(std::int64_t seconds, std::int64_t nanoseconds) {
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(wall_now().time_since_epoch()).count();
  return now - seconds * 1'000'000'000 - nanoseconds;
}

}  // namespace

Result<Stamp> MaildirCore::stamp_of(int directory) {
  const auto status = options_.files->status(directory);
  if (!status) return fail(status);
  if (status->st_nlink == 0) return fail(Kind::permanent, "the mailbox was deleted");
  return Stamp{status->st_ino, status->st_ctim.tv_sec, status->st_ctim.tv_nsec};
}

/// Kind::permanent if new/ or cur/ are others than those that are open: somebody has put a backup in their place, say.
/// Who opens the mailbox now has the new ones, and two that read different folders would undo each other's UIDs.
Result<> MaildirCore::same_folders() {
  for (const auto place : {Place::in_new, Place::in_cur}) {
    const auto open = options_.files->status(directory_of(place));
    if (!open) return fail(open);
    const auto named = options_.files->status_at(folders_.root.get(), place == Place::in_new ? "new" : "cur");
    if (!named && named.error().errno_value != ENOENT) return fail(named);
    if (!named || named->st_ino != open->st_ino || named->st_dev != open->st_dev) {
      return fail(Kind::permanent, "new/ or cur/ of the mailbox was replaced");
    }
  }
  return {};
}

bool MaildirCore::is_settled(const Stamp& stamp) {
  const auto tick = stamp.nanoseconds == 0 ? coarse_tick_nanoseconds : tick_nanoseconds;
  return age_nanoseconds(stamp.seconds, stamp.nanoseconds) >= tick;
}

Result<> MaildirCore::refresh(bool anyway) {
  if (auto same = same_folders(); !same) return same;
  if (!snapshot_ && !anyway) restore();
  const auto fresh = stamp_of(folders_.fresh.get());
  if (!fresh) return fail(fresh);
  const auto cur = stamp_of(folders_.cur.get());
  if (!cur) return fail(cur);
  const bool same = settled_ && *fresh == new_stamp_ && *cur == cur_stamp_;
  const bool list_is_known = list_.unchanged() && scanned_generation_ == list_.generation();
  if (!anyway && same && list_is_known) return {};
  cur_is_known_ = !anyway && !odd_ && settled_ && *cur == cur_stamp_ && list_is_known;
  new_stamp_ = *fresh;
  cur_stamp_ = *cur;
  settled_ = is_settled(*fresh) && is_settled(*cur);
  auto done = scan(anyway);
  if (!done) settled_ = false;
  if (settled_) keep_counters();
  return done;
}

Result<> MaildirCore::scan(bool anyway) {
  const bool list_has_grown = !list_.unchanged();
  const auto removals = list_.state().removals();
  if (list_has_grown) {
    const auto list = list_.lock();  // reads it
    if (!list) return fail(list);
  }
  // A message that another process did not find may have a file all the same: the folders say, not the watch.
  const bool told = !anyway && list_.state().removals() == removals && watch_names();
  const auto generation = std::exchange(scanned_generation_, 0);  // until all that changed is in a snapshot
  if (told) {
    const auto followed = follow(list_has_grown);
    if (!followed) return fail(followed);
    if (*followed) {
      scanned_generation_ = generation;
      return {};
    }
  }
  odd_ = false;
  // Others may assign UIDs to files that came behind our reading: read again until all are seen.
  constexpr int attempts = 5;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    if (auto read = read_folders(); !read) return read;
    if (publish(attempt == attempts)) break;
  }
  scanned_generation_ = list_.generation();
  return {};
}

Result<> MaildirCore::read_folders() {
  Found found;
  ++pass_;
  if (auto looked = look(found, false); !looked) return looked;
  const auto unseen = [&] {
    found.missing.clear();
    for (const auto& entry : list_.state().entries()) {
      if (entry.file.pass != pass_) found.missing.push_back(entry.uid);
    }
    return !found.missing.empty();
  };
  if (unseen()) {
    if (auto looked = look(found, true); !looked) return looked;
    (void)unseen();
  }
  return settle(found);
}

/// True if the next reading may take for seen what stands in cur/.
bool MaildirCore::cur_is_as_it_was() {
  // Only once: what a first reading finds may need another one.
  if (!std::exchange(cur_is_known_, false) || stamp_of(folders_.cur.get()) != cur_stamp_) return false;
  for (auto& entry : list_.state().entries()) {
    if (entry.file.place == Place::in_cur) entry.file.pass = pass_;
  }
  return true;
}

/// One reading. new/ before cur/: a message on its way is seen twice rather than never.
Result<> MaildirCore::look(Found& found, bool again) {
  for (const auto place : {Place::in_new, Place::in_cur}) {
    if (place == Place::in_cur && !again && cur_is_as_it_was()) continue;
    auto names = options_.files->list(directory_of(place), ".");
    if (!names) return fail(names);
    for (auto& name : *names) note(std::move(name), place, found, again);
  }
  return {};
}

void MaildirCore::note(std::string name, Place place, Found& found, bool again) {
  const auto base = std::string_view(name).substr(0, name.find(':'));
  auto* const entry = list_.state().find(base);
  if (entry == nullptr) {
    // A second reading sees the strangers of the first again; assign() knows them then.
    if (parse_maildir_name(name)) found.strangers.push_back({std::move(name), place});
    return;
  }
  auto& file = entry->file;
  const auto info = std::string_view(name).substr(base.size());
  const bool twice = file.pass == pass_;
  // Two files of one base name in cur/: one of them is shown, always the same.
  if (twice && !again) odd_ = true;
  if (twice && (again || (file.place == place && file.info >= info))) return;
  if (file.place == place && file.info == info) {
    file.pass = pass_;
    return;
  }
  const auto parsed = parse_maildir_name(name);
  if (!parsed) return;
  // It had a file in cur/: is that one gone?
  if (file.place == Place::in_cur && place == Place::in_new) cur_is_known_ = false;
  const bool first_time = file.place == Place::missing;
  if (!first_time && file.system_flags != parsed->flags) found.changed.push_back(entry->uid);
  file = {.place = place, .system_flags = parsed->flags, .pass = pass_, .info = std::string(info)};
}

/// Writes down what was found: under the lock of the list, which may know some of it already.
Result<> MaildirCore::settle(Found& found) {
  std::ranges::sort(found.strangers, [](const auto& a, const auto& b) { return older(a.name, b.name); });
  std::vector<Measured> fresh;
  for (const auto& stranger : found.strangers) {
    if (fresh.size() == max_assigned_at_once) {
      settled_ = false;
      break;
    }
    auto measured = measure(stranger);
    if (!measured) return fail(measured);
    if (*measured) fresh.push_back(**std::move(measured));
  }
  // Of one second: as they were written. Equal ones stay as their names have sorted them.
  std::ranges::stable_sort(fresh, {}, &Measured::came);
  if (fresh.empty() && found.changed.empty() && found.missing.empty()) return {};
  const auto generation = list_.generation();
  auto list = list_.lock();
  if (!list) return fail(list);
  // A list that was read anew knows no files: publish() asks for another reading.
  if (list_.generation() != generation) return {};
  const auto modseq = list->next_modseq();
  for (const Uid uid : found.changed) {
    if (auto* entry = list_.state().find(uid); entry != nullptr) entry->modseq = modseq;
  }
  for (const Uid uid : found.missing) {
    if (list_.state().find(uid) != nullptr) list->forget(uid);
  }
  if (options_.index) options_.index->forget_summaries(list_.state().uid_validity, found.missing);
  for (auto& measured : fresh) assign(*list, std::move(measured.entry));
  return list->commit();
}

void MaildirCore::assign(UidList::Locked& list, UidEntry entry) {
  const Uid known = list_.state().uid_of(entry.base);
  if (known == 0) {
    entry.keywords = bits_of_letters(list, entry.file.info);
    list.assign(std::move(entry));
    return;
  }
  // Another process was first, or it has two files: the next reading says which of them is shown.
  auto& file = list_.state().find(known)->file;
  if (file.pass == pass_) {
    odd_ = true;
    settled_ = false;
  }
  if (file.pass != pass_ || entry.file.place == Place::in_cur) file = std::move(entry.file);
}

/// Size and date of a file; nothing if it is no message: gone, not regular, not to be opened (TORTURE MDR-03).
Result<std::optional<MaildirCore::Measured>> MaildirCore::measure(const Stranger& stranger) {
  const int directory = directory_of(stranger.place);
  const auto status = options_.files->status_at(directory, stranger.name);
  if (!status && status.error().errno_value == ENOENT) {
    settled_ = false;
    return std::nullopt;
  }
  if (!status) return fail(status);
  if (!S_ISREG(status->st_mode)) return std::nullopt;
  const auto parsed = parse_maildir_name(stranger.name);
  const auto stored = static_cast<std::uint64_t>(status->st_size);
  Measured measured{.entry = {}, .came = came_at(parsed->base, status->st_mtim.tv_sec, status->st_mtim.tv_nsec)};
  auto& entry = measured.entry;
  entry.base = parsed->base;
  entry.date = status->st_mtim.tv_sec;
  entry.file = {stranger.place, parsed->flags, pass_, std::string(parsed->info)};
  const auto fd = options_.files->open(directory, stranger.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) {
    odd_ = true;
    return std::nullopt;
  }
  // What ",W=" says is not believed: who edited or moved the file may have left it wrong, and POP3 and IMAP promise
  // these octets.
  const auto size = wire_size(fd->get(), 0, stored, *options_.files);
  if (!size) return fail(size);
  entry.size = size->octets;
  entry.open_end = size->open_end;
  return measured;
}

bool MaildirCore::publish(bool anyway) {
  auto& state = list_.state();
  auto now = snapshot_without_records(state);
  for (const auto& entry : state.entries()) {
    // Shown later it would come between messages that were shown: sequence numbers do not allow that.
    if (entry.file.place == Place::missing && !anyway) return false;
    if (entry.file.place == Place::missing) continue;
    now.records.push_back(record_of(entry));
  }
  if (!snapshot_ || *snapshot_ != now) snapshot_ = std::make_shared<const Snapshot>(std::move(now));
  status_ = count(*snapshot_, state.first_recent);
  if (!loaded_.exchange(true)) linger();
  return true;
}

Result<> MaildirCore::show() {
  if (publish(false)) return {};
  return refresh(true);
}

}  // namespace facteur::store
