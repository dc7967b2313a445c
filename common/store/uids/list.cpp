// Opening, locking, reading and repairing a UID list. What is written is in uids/list_write.cpp.
#include "common/store/uids/list.h"

#include <cerrno>
#include <ctime>
#include <fcntl.h>

#include "common/log/log.h"
#include "common/store/uids/line.h"

namespace facteur::store {
namespace {

/// A list is written anew when it is longer than this and twice as long as it need be.
constexpr std::uint64_t small_list = 64 << 10;
/// Times that a list may be replaced by others while we take its lock.
constexpr int max_reopenings = 100;
constexpr std::size_t longest_first_line = 128;

}  // namespace

std::uint64_t boot_time() {
  timespec wall{};
  timespec up{};
  (void)::clock_gettime(CLOCK_REALTIME, &wall);
  (void)::clock_gettime(CLOCK_BOOTTIME, &up);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(wall.tv_sec - up.tv_sec, 0));
}

Result<bool> is_handed_over(int directory, fs::Files& files) {
  const auto file = files.open(directory, UidList::file_name, UidList::open_flags);
  if (!file && file.error().errno_value == ENOENT) return false;
  if (!file) return fail(file);
  const auto octets = files.read_at(file->get(), 0, longest_first_line);
  if (!octets) return fail(octets);
  const auto line = parse_line(std::string_view(*octets).substr(0, octets->find('\n')));
  return line && line->type == 'H';
}

UidList::UidList(int directory, UidListOptions options) : directory_(directory), options_(std::move(options)) {
}

void UidList::forget_state() {
  state_ = UidState();
  used_ = 0;
  ++generation_;
}

/// What the state says is on disk now.
void UidList::note_told() {
  told_validity_ = state_.uid_validity;
  told_next_ = state_.uid_next;
}

void UidList::adopt(UidState state, Fd file, std::uint64_t inode, std::uint64_t size) {
  state_ = std::move(state);
  file_ = std::move(file);
  inode_ = inode;
  used_ = size;
  ++generation_;
  note_told();
}

bool UidList::unchanged() const {
  if (used_ == 0 || state_.handed_over) return false;
  const auto status = options_.files->status_at(directory_, file_name);
  return status && status->st_ino == inode_ && static_cast<std::uint64_t>(status->st_size) == used_;
}

Result<> UidList::open_file() {
  auto opened = options_.files->open(directory_, file_name, open_flags);
  if (!opened && opened.error().errno_value == ENOENT) {
    if (auto created = create_file(); !created) return created;
    opened = options_.files->open(directory_, file_name, open_flags);
  }
  if (!opened) return fail(opened);
  const auto status = options_.files->status(opened->get());
  if (!status) return fail(status);
  if (!S_ISREG(status->st_mode)) return fail(Kind::corrupt, std::string(file_name) + " is not a regular file");
  if (status->st_ino != inode_) forget_state();
  inode_ = status->st_ino;
  file_ = *std::move(opened);
  return {};
}

Result<FileLock> UidList::lock_current() {
  for (int i = 0; i < max_reopenings; ++i) {
    if (!file_) {
      if (auto opened = open_file(); !opened) return fail(opened);
    }
    auto lock = FileLock::take(file_.get(), options_.lock_wait, file_name);
    if (!lock) return lock;
    // Whoever writes a list anew replaces the file: a lock on the old one is worth nothing.
    const auto status = options_.files->status_at(directory_, file_name);
    if (status && status->st_ino == inode_) return lock;
    lock->release();
    file_.reset();
    forget_state();
  }
  return fail(Kind::temporary, std::string(file_name) + " is replaced all the time");
}

Result<> UidList::read_on() {
  const auto status = options_.files->status(file_.get());
  if (!status) return fail(status);
  const auto size = static_cast<std::uint64_t>(status->st_size);
  if (size < used_) forget_state();
  if (size == used_) return {};
  const auto octets = options_.files->read_at(file_.get(), used_, static_cast<std::size_t>(size - used_));
  if (!octets) return fail(octets);
  used_ += state_.apply(*octets);
  if (used_ == size) return {};
  // What stands behind the last LF was torn by a crash, and told to nobody, or has lost its LF: it goes, or a later
  // line would end it, and what it may have said is passed over.
  state_.note_damage(size - used_);
  return options_.files->truncate(file_.get(), used_);
}

Result<std::uint32_t> UidList::higher_validity() {
  auto validity = options_.new_validity();
  if (validity && *validity <= state_.uid_validity) *validity = state_.uid_validity + 1;
  return validity;
}

/// The state of a list that was handed over, with what another server has done since; false if its messages must get
/// new UIDs. On disk when the list has been written anew: until then the next one takes it back as well.
Result<bool> UidList::take_back() {
  const auto validity = state_.uid_validity;
  auto same = options_.take_back ? options_.take_back(state_) : Result<bool>(false);
  if (!same) return same;
  if (*same && state_.uid_validity != validity) {
    // That server has numbered the mailbox anew. It may have done so to another of the account's just like that.
    same = options_.take_over(state_.uid_validity, [] { return Result<>(); });
    if (!same) return same;
  }
  if (*same) {
    log::info("took back {} UIDs from Dovecot", state_.size());
  } else {
    log::warning("UIDs of another server cannot be relied on: the messages get new ones");
  }
  state_.handed_over = false;
  must_replace_ = true;
  ++generation_;
  return same;
}

Result<> UidList::repair(FileLock& lock) {
  if (!state_.valid()) {
    log::warning("{} has lost its first line: its messages get new UIDs", file_name);
    const auto validity = higher_validity();
    if (!validity) return fail(validity);
    state_ = UidState();
    state_.uid_validity = *validity;
    return replace(lock);
  }
  bool renumber = false;
  if (state_.damaged() > 0) {
    log::warning("{} has {} damaged octets: messages that they named get new UIDs", file_name, state_.damaged());
    state_.skip_damage();
    must_replace_ = true;
  }
  if (state_.uid_validity == told_validity_ && state_.uid_next < told_next_) {
    log::warning("{} is older than what was told of it: its messages get new UIDs", file_name);
    renumber = true;
  }
  if (state_.handed_over) {
    const auto taken = take_back();
    if (!taken) return fail(taken);
    renumber = renumber || !*taken;
  }
  if (renumber || state_.uid_next > last_uid - max_assigned_at_once || state_.modseq > last_modseq) {
    const auto validity = higher_validity();
    if (!validity) return fail(validity);
    state_.renumber(*validity);
    must_replace_ = true;
  }
  if (must_replace_ || used_ > small_list + 2 * state_.live_octets()) return replace(lock);
  return {};
}

Result<UidList::Locked> UidList::lock() {
  auto lock = lock_current();
  if (!lock) return fail(lock);
  auto done = read_on();
  if (done) done = repair(*lock);
  if (!done) {
    forget_state();
    return fail(done);
  }
  note_told();
  return Locked(*this, *std::move(lock));
}

}  // namespace facteur::store
