// What the index remembers of a mailbox: its counters, and the messages of a large one.
#include <cerrno>

#include "common/store/maildir/core.h"

namespace facteur::store {
namespace {

/// The list of a small mailbox is shorter.
constexpr std::uint64_t small_list = std::uint64_t{small_mailbox} * 40;

}  // namespace

std::optional<StateOfFiles> MaildirCore::state_of_files() {
  const auto fresh = stamp_of(folders_.fresh.get());
  const auto cur = stamp_of(folders_.cur.get());
  const auto list = options_.files->status_at(folders_.root.get(), UidList::file_name);
  if (!fresh || !cur || !list || !is_settled(*fresh) || !is_settled(*cur)) return std::nullopt;
  return StateOfFiles{.fresh = *fresh,
                      .cur = *cur,
                      .list = {list->st_ino, list->st_ctim.tv_sec, list->st_ctim.tv_nsec},
                      .list_size = static_cast<std::uint64_t>(list->st_size)};
}

/// True if what is known is what these files say.
bool MaildirCore::knows(const StateOfFiles& files) {
  return settled_ && files.fresh == new_stamp_ && files.cur == cur_stamp_ && list_.unchanged() &&
         scanned_generation_ == list_.generation();
}

void MaildirCore::keep_counters() {
  if (!options_.index) return;
  const auto files = state_of_files();
  // What changed since the reading is not counted yet.
  if (!files || files->all() == kept_state_ || !knows(*files)) return;
  options_.index->keep_counters(files->mailbox(), files->all(), status_);
  kept_state_ = files->all();
}

/// Takes what another process, or this one some time ago, has kept of a large mailbox: what refresh() would read.
void MaildirCore::restore() {
  const auto files = options_.index ? state_of_files() : std::nullopt;
  if (!files || files->list_size < small_list) return;
  auto kept = records_.load(*options_.index, *files);
  if (!kept) return;
  list_.adopt(std::move(kept->state), files->list.inode, files->list_size);
  scanned_generation_ = list_.generation();
  settled_ = true;
  cur_stamp_ = files->cur;
  if (!kept->same_new) return;
  new_stamp_ = files->fresh;
  (void)publish(false);
}

void MaildirCore::keep_records() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !options_.index || !snapshot_ || snapshot_->records.size() <= small_mailbox) return;
  // What changed since the last look costs little where it is watched. Elsewhere the next command may read it.
  if (names_ && !refresh()) return;
  const auto files = state_of_files();
  const bool whole = snapshot_->records.size() == list_.state().size();
  if (!files || !whole || odd_ || records_.are_kept(*files) || !knows(*files)) return;
  records_.keep(*options_.index, *files, list_.state());
}

}  // namespace facteur::store
