// What is written to a UID list: lines at its end, and the whole list anew.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "common/base/encode.h"
#include "common/base/random.h"
#include "common/log/log.h"
#include "common/store/flags.h"
#include "common/store/uids/list.h"

namespace facteur::store {
namespace {

constexpr const char* new_name = "facteur-uids.new";
/// The boot time is the difference of two clocks: so far apart it is the same boot.
constexpr std::uint64_t boot_tolerance = 1;

bool same_boot(std::uint64_t a, std::uint64_t b) {
  return a <= b + boot_tolerance && b <= a + boot_tolerance;
}

}  // namespace

Result<Fd> UidList::write_new(const std::string& name) {
  auto& files = *options_.files;
  auto fd = files.open(directory_, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!fd) return fd;
  const auto lines = state_.lines();
  auto done = files.write(fd->get(), lines);
  if (done) done = files.sync(fd->get());
  if (!done) {
    (void)files.unlink(directory_, name);  // the first error is the one that counts
    return fail(done);
  }
  used_ = lines.size();
  return fd;
}

/// Writes the state under a name of its own, which is `link`ed and goes. A list appears whole or not at all, and only
/// one of two that make it at once: link(2) does not replace.
Result<> UidList::write_and(const std::function<Result<>(const std::string& name)>& link) {
  auto& files = *options_.files;
  state_.boot = boot_time();
  const std::string name = std::string(new_name) + '.' + hex_encode(random_octets(8));
  if (const auto written = write_new(name); !written) return fail(written);
  auto linked = link(name);
  (void)files.unlink(directory_, name);
  forget_state();
  if (!linked && linked.error().errno_value != EEXIST) return linked;
  return files.sync(directory_);
}

/// Makes the list of what another server left; false if there is nothing, or it was taken over before. That is written
/// down when the list is on disk and has no name yet: a full disk does not cost the UIDs.
Result<bool> UidList::create_seeded() {
  if (!options_.seed || !options_.take_over) return false;
  state_ = options_.seed();
  if (!state_.valid()) return false;
  const auto validity = state_.uid_validity;
  const auto count = state_.size();
  bool taken = false;
  auto done = write_and([&](const std::string& name) -> Result<> {
    auto first =
        options_.take_over(validity, [&] { return options_.files->link(directory_, name, directory_, file_name); });
    taken = first && *first;
    return first ? Result<>() : Result<>(fail(first));
  });
  if (!done) return fail(done);
  if (taken) {
    log::info("took over {} UIDs of Dovecot", count);
  } else {
    log::warning("UIDVALIDITY {} of Dovecot was taken over before: the mailbox gets a new one", validity);
  }
  return taken;
}

Result<> UidList::create_file() {
  forget_state();
  const auto seeded = create_seeded();
  if (!seeded) return fail(seeded);
  if (*seeded) return {};
  const auto validity = options_.new_validity();
  if (!validity) return fail(validity);
  state_ = UidState();
  state_.uid_validity = *validity;
  return write_and(
      [this](const std::string& name) { return options_.files->link(directory_, name, directory_, file_name); });
}

Result<> UidList::replace(FileLock& lock) {
  auto& files = *options_.files;
  state_.boot = boot_time();
  auto fd = write_new(new_name);
  if (!fd) return fail(fd);
  // Locked before it has the name: nobody can come between.
  auto new_lock = FileLock::take(fd->get(), options_.lock_wait, new_name);
  if (!new_lock) return fail(new_lock);
  const auto status = files.status(fd->get());
  if (!status) return fail(status);
  if (auto renamed = files.rename(directory_, new_name, directory_, file_name); !renamed) {
    (void)files.unlink(directory_, new_name);
    return renamed;
  }
  lock = *std::move(new_lock);
  file_ = *std::move(fd);
  inode_ = status->st_ino;
  must_replace_ = false;
  return files.sync(directory_);
}

Result<> UidList::append(std::string_view lines, bool durable) {
  auto& files = *options_.files;
  auto done = files.write_at(file_.get(), lines, used_);
  if (done && durable) {
    done = files.sync(file_.get());
    must_replace_ = !done;  // pages that failed to be written count as clean from now on
  }
  if (done) {
    used_ += lines.size();
    return done;
  }
  (void)files.truncate(file_.get(), used_);  // if this fails too, what stays is torn or was told to nobody
  forget_state();
  return done;
}

Result<> UidList::Locked::hand_over() {
  check(pending_.empty(), "a list with changes that are not written was handed over");
  list_->state_.handed_over = true;
  auto done = list_->replace(lock_);
  if (!done) list_->forget_state();
  return done;
}

UidList::Locked::Locked(Locked&& other) noexcept
    : list_(std::exchange(other.list_, nullptr)),
      lock_(std::move(other.lock_)),
      pending_(std::move(other.pending_)),
      durable_(other.durable_),
      assigned_(other.assigned_) {
  other.pending_.clear();
}

UidList::Locked::~Locked() {
  if (list_ != nullptr && !pending_.empty()) list_->forget_state();
}

Uid UidList::Locked::assign(UidEntry entry) {
  check(assigned_++ < max_assigned_at_once, "too many UIDs assigned under one lock");
  auto& state = list_->state_;
  const Uid uid = state.uid_next;
  const auto keywords = std::exchange(entry.keywords, 0);
  check(state.add(uid, std::move(entry)), "a message that has a UID got another");
  put(message_line(*state.find(uid)));
  durable_ = true;
  if (keywords != 0) set_keywords(uid, keywords);
  return uid;
}

Result<std::uint64_t> UidList::Locked::define(const std::vector<std::string>& keywords) {
  auto& table = list_->state_.keywords;
  const auto known = table.size();
  const auto bits = add_keywords(table, keywords);
  for (auto bit = known; bits && bit < table.size(); ++bit) put(keyword_line(bit, table[bit]));
  return bits;
}

std::uint64_t UidList::Locked::define_what_fits(const std::vector<std::string>& keywords) {
  std::uint64_t bits = 0;
  for (const auto& name : keywords) bits |= define({name}).value_or(0);
  return bits;
}

void UidList::Locked::set_keywords(Uid uid, std::uint64_t bits) {
  auto* entry = list_->state_.find(uid);
  if (entry == nullptr || entry->keywords == bits) return;
  entry->keywords = bits;
  put(flags_line(uid, bits));
}

void UidList::Locked::forget(Uid uid) {
  list_->state_.remove(uid, uid);
  put(gone_line(uid, uid));
}

void UidList::Locked::set_first_recent(Uid uid) {
  if (uid <= list_->state_.first_recent) return;
  list_->state_.first_recent = uid;
  put(recent_line(uid));
}

std::uint64_t UidList::Locked::next_modseq() {
  auto& state = list_->state_;
  // The line of a mod-sequence is not synced: after another boot those that were told may be up to the ceiling.
  const auto boot = boot_time();
  if (!same_boot(state.boot, boot)) {
    state.modseq = std::max(state.modseq, state.modseq_ceiling);
    state.boot = boot;
    state.modseq_ceiling = 0;  // below modseq: raise_ceilings() writes it
  }
  put(modseq_line(++state.modseq));
  return state.modseq;
}

void UidList::Locked::raise_ceilings() {
  auto& state = list_->state_;
  if (state.uid_next <= state.uid_ceiling && state.modseq <= state.modseq_ceiling) return;
  if (state.uid_next > state.uid_ceiling) {
    state.uid_ceiling = std::min<std::uint64_t>(std::uint64_t{state.uid_next} + uid_block, 0xffffffff);
  }
  if (state.modseq > state.modseq_ceiling) state.modseq_ceiling = state.modseq + modseq_block;
  state.boot = boot_time();
  pending_.insert(0, ceiling_line(state));
  durable_ = true;
}

Result<> UidList::Locked::commit() {
  if (pending_.empty()) return {};
  raise_ceilings();
  auto done = list_->append(pending_, durable_);
  if (done) list_->note_told();
  pending_.clear();
  durable_ = false;
  return done;
}

}  // namespace facteur::store
