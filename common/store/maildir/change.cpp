// Flags, and messages that go.
#include "common/log/log.h"
#include "common/store/flags.h"
#include "common/store/maildir/core.h"

namespace facteur::store {

/// Keywords are defined before anything changes: that is what can be refused.
Result<std::uint64_t> MaildirCore::define(FlagChange how, const std::vector<std::string>& keywords) {
  if (how == FlagChange::remove || keywords.empty()) return keyword_bits(list_.state().keywords, keywords);
  auto list = list_.lock();
  if (!list) return fail(list);
  auto bits = list->define(keywords);
  if (!bits) return bits;
  if (auto done = list->commit(); !done) return fail(done);
  return bits;
}

/// Renames the file of a message to one with these flags. True if that changed it.
Result<bool> MaildirCore::set_system_flags(Uid uid, FlagChange how, std::uint8_t flags) {
  bool changed = false;
  const auto done = with_file(uid, [&](UidEntry& entry) -> Result<> {
    const auto wanted = change({entry.file.system_flags, 0}, how, {flags, 0}).system;
    if (wanted == entry.file.system_flags) return {};
    if (auto renamed = rename_to(entry, info_for(entry.file.info, wanted)); !renamed) return renamed;
    entry.file.system_flags = wanted;
    changed = true;
    return {};
  });
  if (!done) return fail(done);
  return changed;
}

Result<> MaildirCore::change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                   const std::vector<std::string>& keywords) {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return done;
  const auto bits = define(how, keywords);
  if (!bits) return fail(bits);
  std::vector<Uid> changed;
  Result<> outcome;
  for (const Uid uid : uids) {
    const auto renamed = set_system_flags(uid, how, system_flags);
    if (!renamed) {
      outcome = fail(renamed);
      break;
    }
    const auto* entry = list_.state().find(uid);
    const bool other_keywords =
        entry != nullptr && change({0, entry->keywords}, how, {0, *bits}).keywords != entry->keywords;
    if (*renamed || other_keywords) changed.push_back(uid);
  }
  if (!changed.empty()) {
    auto list = list_.lock();
    if (!list) return fail(list);
    const auto modseq = list->next_modseq();
    for (const Uid uid : changed) {
      auto* entry = list_.state().find(uid);
      if (entry == nullptr) continue;
      entry->modseq = modseq;
      if (outcome) list->set_keywords(uid, change({0, entry->keywords}, how, {0, *bits}).keywords);
    }
    if (auto done = list->commit(); !done) return done;
  }
  if (auto done = show(); !done) return done;
  return outcome;
}

Result<std::vector<Uid>> MaildirCore::expunge(std::span<const Uid> uids) {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  std::vector<Uid> gone;
  Result<> outcome;
  bool from_new = odd_;
  bool from_cur = odd_;
  const auto twins = twins_of(uids);
  for (const Uid uid : uids) {
    const auto removed = with_file(uid, [&](UidEntry& entry) -> Result<> {
      if (const auto found = twins.find(uid); found != twins.end()) {
        if (auto done = remove_twins(entry, found->second); !done) return done;
      }
      auto unlinked = options_.files->unlink(directory_of(entry.file.place), file_name(entry));
      if (unlinked) (entry.file.place == Place::in_new ? from_new : from_cur) = true;
      return unlinked;
    });
    if (!removed) {
      outcome = fail(removed);
      break;
    }
    if (!*removed) continue;
    gone.push_back(uid);
    list_.state().find(uid)->file.place = Place::missing;
  }
  if (gone.empty() && outcome) return gone;
  if (outcome && from_new) outcome = options_.files->sync(folders_.fresh.get());
  if (outcome && from_cur) outcome = cur_sync_->sync(folders_.cur.get(), *options_.files);
  auto list = list_.lock();
  if (!list) return fail(list);
  (void)list->next_modseq();
  for (const Uid uid : gone) list->forget(uid);
  if (options_.index) options_.index->forget_summaries(list_.state().uid_validity, gone);
  // The files are gone: a list that cannot be written finds that out by itself.
  if (auto done = list->commit(); !done) log::warning("{}", done.error().text);
  if (auto done = show(); !done) return fail(done);
  if (!outcome) return fail(outcome);
  return gone;
}

}  // namespace facteur::store
