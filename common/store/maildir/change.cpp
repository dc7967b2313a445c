// Flags, and messages that go.
#include <algorithm>

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
    const auto info = info_for(entry.file.info, wanted);
    const auto renamed =
        options_.files->rename(directory_of(entry.file.place), file_name(entry), folders_.cur.get(), entry.base + info);
    if (!renamed) return renamed;
    entry.file.place = Place::in_cur;
    entry.file.info = info;
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
  Result<> first_error;
  for (const Uid uid : uids) {
    const auto renamed = set_system_flags(uid, how, system_flags);
    if (!renamed) {
      first_error = fail(renamed);
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
      if (first_error) list->set_keywords(uid, change({0, entry->keywords}, how, {0, *bits}).keywords);
    }
    if (auto done = list->commit(); !done) return done;
  }
  if (auto done = show(); !done) return done;
  return first_error;
}

/// Other files of messages that go (a backup copied over cur/ makes such): they would come back as new messages.
void MaildirCore::remove_twins(const std::vector<Uid>& uids) {
  for (const auto place : {Place::in_new, Place::in_cur}) {
    const auto names = options_.files->list(directory_of(place), ".");
    if (!names) continue;  // the next reading tells
    for (const auto& name : *names) {
      const Uid uid = list_.state().uid_of(std::string_view(name).substr(0, name.find(':')));
      if (std::ranges::find(uids, uid) != uids.end()) (void)options_.files->unlink(directory_of(place), name);
    }
  }
}

Result<std::vector<Uid>> MaildirCore::expunge(std::span<const Uid> uids) {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  std::vector<Uid> gone;
  Result<> first_error;
  bool from_new = false;
  bool from_cur = false;
  for (const Uid uid : uids) {
    const auto removed = with_file(uid, [&](UidEntry& entry) -> Result<> {
      auto unlinked = options_.files->unlink(directory_of(entry.file.place), file_name(entry));
      if (unlinked) (entry.file.place == Place::in_new ? from_new : from_cur) = true;
      return unlinked;
    });
    if (!removed) {
      first_error = fail(removed);
      break;
    }
    if (!*removed) continue;
    gone.push_back(uid);
    list_.state().find(uid)->file.place = Place::missing;
  }
  if (gone.empty() && first_error) return gone;
  if (odd_) {
    remove_twins(gone);
    from_new = from_cur = true;
  }
  if (first_error && from_new) first_error = options_.files->sync(folders_.fresh.get());
  if (first_error && from_cur) first_error = cur_sync_->sync(folders_.cur.get(), *options_.files);
  auto list = list_.lock();
  if (!list) return fail(list);
  (void)list->next_modseq();
  for (const Uid uid : gone) list->forget(uid);
  if (options_.index) options_.index->forget_summaries(list_.state().uid_validity, gone);
  // The files are gone: a list that cannot be written finds that out by itself.
  if (auto done = list->commit(); !done) log::warning("{}", done.error().text);
  if (auto done = show(); !done) return fail(done);
  if (!first_error) return fail(first_error);
  return gone;
}

}  // namespace facteur::store
