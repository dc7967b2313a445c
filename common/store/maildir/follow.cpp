// What changed in new/ and cur/ since they were read, as the kernel tells it name by name: so a flag that changes or a
// message that comes costs the same in a mailbox of ten messages and of a hundred thousand.
//
// The kernel is believed only in what is plain: a message that came, one whose file has another name now. Whatever else
// it tells (a message gone, a second file of one message, events lost) makes the folders be read again.
#include "common/store/maildir/core.h"

namespace facteur::store {

/// True if every change of the folders since the last reading is to be had. The first call of a mailbox's life that
/// finds it changed begins the watch: what opens a mailbox only once needs none.
bool MaildirCore::watch_names() {
  if (scanned_generation_ == 0) {
    // A reading comes, which sees what was told until now.
    if (names_) (void)names_->take();
    return false;
  }
  if (names_) return scanned_generation_ == list_.generation() && !odd_;
  if (!sees_every_change(folders_.cur.get()) || !sees_every_change(folders_.fresh.get())) return false;
  auto folders = watched_folders();
  folders.resize(2);  // new/ and cur/
  names_ = std::make_unique<NameWatch>(folders);
  return false;
}

/// Applies what was told; false if the folders have to be read. After an error, too: what was told is forgotten.
Result<bool> MaildirCore::follow(bool list_has_grown) {
  const auto changes = names_->take();
  if (!changes) return false;
  if (changes->empty() && !list_has_grown) return true;
  NamesNow names;
  for (const auto& change : *changes) {
    names.insert_or_assign({change.folder == 0 ? Place::in_new : Place::in_cur, change.name}, change.there);
  }
  ++pass_;
  auto found = apply(names);
  if (!found) return false;
  if (auto settled = settle(*found); !settled) return fail(settled);
  return publish(false);
}

/// Changes the entries whose files have other names; nothing, and no entry changed, if that is not plain.
std::optional<MaildirCore::Found> MaildirCore::apply(const NamesNow& names) {
  Found found;
  std::map<Uid, FileState> moved;  // files that are not where they were; where they are now
  for (const auto& [name, there] : names) {
    if (there) continue;
    const auto base = std::string_view(name.second).substr(0, name.second.find(':'));
    const auto* entry = list_.state().find(base);
    if (entry == nullptr || entry->file.place != name.first) continue;
    if (entry->file.info == std::string_view(name.second).substr(base.size())) moved.try_emplace(entry->uid);
  }
  for (const auto& [name, there] : names) {
    if (!there) continue;
    const auto parsed = parse_maildir_name(name.second);
    if (!parsed) continue;
    const auto* entry = list_.state().find(parsed->base);
    if (entry == nullptr) {
      found.strangers.push_back({name.second, name.first});
      continue;
    }
    if (entry->file.place == name.first && entry->file.info == parsed->info) continue;
    if (entry->file.place == Place::missing) moved.try_emplace(entry->uid);
    const auto from = moved.find(entry->uid);
    if (from == moved.end() || from->second.place != Place::missing) return std::nullopt;
    from->second = {name.first, parsed->flags, pass_, std::string(parsed->info)};
  }
  for (const auto& [uid, file] : moved) {
    if (file.place == Place::missing) return std::nullopt;
  }
  for (auto& [uid, file] : moved) {
    auto& known = list_.state().find(uid)->file;
    if (known.place != Place::missing && known.system_flags != file.system_flags) found.changed.push_back(uid);
    known = std::move(file);
  }
  return found;
}

}  // namespace facteur::store
