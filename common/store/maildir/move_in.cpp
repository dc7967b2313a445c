// Taking over from Dovecot: a mailbox without a list of ours, and one whose list was handed over to it (move_out.cpp).
//
// Its dovecot-uidlist is believed in UIDs, the letters of the file names in keywords. What its list does not name gets
// a UID as any message that comes.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "common/log/log.h"
#include "common/store/flags.h"
#include "common/store/maildir/core.h"

namespace facteur::store {
namespace {

/// A file of another program.
struct Foreign {
  std::string text;
  std::int64_t changed = 0;  ///< seconds since 1970
};

/// Empty if there is none, or it is no file.
Result<Foreign> read_foreign(int directory, const char* name, fs::Files& files) {
  const auto fd = files.open(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd && (fd.error().errno_value == ENOENT || fd.error().errno_value == ELOOP)) return Foreign{};
  if (!fd) return fail(fd);
  const auto status = files.status(fd->get());
  if (!status) return fail(status);
  if (!S_ISREG(status->st_mode)) return Foreign{};
  const auto size = std::min<std::uint64_t>(static_cast<std::uint64_t>(status->st_size), max_dovecot_file);
  auto text = files.read_at(fd->get(), 0, static_cast<std::size_t>(size));
  if (!text) return fail(text);
  return Foreign{*std::move(text), status->st_mtim.tv_sec};
}

/// The UID that comes next after a list of another server: it does not say which ones were given since it was written,
/// by that server, or by us in a list that was lost together with the account's file. One a second is more than mail
/// takes.
Uid next_after(Uid listed, std::int64_t written) {
  const auto now = std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
  const auto next = std::uint64_t{listed} + static_cast<std::uint64_t>(std::max<std::int64_t>(now - written, 0));
  return next < last_uid - max_assigned_at_once ? static_cast<Uid>(next) : listed;
}

std::vector<std::string> names_of_letters(std::string_view info, const std::vector<std::string>& letters) {
  std::vector<std::string> out;
  for (const char c : info_letters(info)) {
    if (!is_keyword_letter(c)) continue;
    const auto& name = letters[static_cast<std::size_t>(c - 'a')];
    if (is_keyword(name)) out.push_back(name);
  }
  return out;
}

/// True if a list of Dovecot goes on where ours was handed over: no UID that we know has become another message's.
bool goes_on(const DovecotUids& dovecot, const UidState& ours) {
  if (dovecot.uid_validity != ours.uid_validity || dovecot.uid_next < ours.uid_next) return false;
  const auto ours_end = dovecot.bases.lower_bound(ours.uid_next);
  return std::all_of(dovecot.bases.begin(), ours_end,
                     [&](const auto& message) { return ours.uid_of(message.second) == message.first; });
}

}  // namespace

std::uint64_t MaildirCore::bits_of_letters(UidList::Locked& list, std::string_view info) {
  if (std::ranges::none_of(info_letters(info), is_keyword_letter)) return 0;
  if (!letters_) {
    if (auto read = read_letters(); !read) return 0;
  }
  return list.define_what_fits(names_of_letters(info, *letters_));
}

Result<> MaildirCore::read_letters() {
  const auto file = read_foreign(folders_.root.get(), "dovecot-keywords", *options_.files);
  if (!file) return fail(file);
  letters_ = parse_dovecot_keywords(file->text);
  return {};
}

/// Dovecot's list; its UIDNEXT is what may come next.
Result<DovecotUids> MaildirCore::read_dovecot() {
  const auto file = read_foreign(folders_.root.get(), "dovecot-uidlist", *options_.files);
  if (!file) return fail(file);
  auto out = parse_dovecot_uidlist(file->text);
  if (out.uid_validity != 0) out.uid_next = next_after(out.uid_next, file->changed);
  return out;
}

/// The files that are there, by their base names.
Result<MaildirCore::FilesByBase> MaildirCore::files_by_base() {
  FilesByBase out;
  for (const auto place : {Place::in_new, Place::in_cur}) {
    auto names = options_.files->list(directory_of(place), ".");
    if (!names) return fail(names);
    for (auto& name : *names) {
      if (const auto parsed = parse_maildir_name(name)) out[std::string(parsed->base)] = {std::move(name), place};
    }
  }
  return out;
}

/// The keywords of a message by the letters of its file, and of `before` those for which there is no letter.
std::uint64_t MaildirCore::keywords_now(UidState& state, const std::string& file, std::uint64_t before) {
  auto bits = before & ~keyword_bits(state.keywords, *letters_);
  for (const auto& name : names_of_letters(parse_maildir_name(file)->info, *letters_)) {
    bits |= add_keywords(state.keywords, {name}).value_or(0);
  }
  return bits;
}

/// The state of a list by Dovecot's; `ours` is what we knew of the mailbox, or empty.
UidState MaildirCore::state_by(const DovecotUids& dovecot, const FilesByBase& files, UidState& ours) {
  UidState state;
  state.uid_validity = dovecot.uid_validity;
  state.keywords = ours.keywords;
  if (ours.valid()) state.modseq = std::max(ours.modseq, ours.modseq_ceiling) + 1;
  state.first_recent = dovecot.uid_next;
  state.expect(dovecot.bases.size());
  for (const auto& [uid, base] : dovecot.bases) {
    const auto file = files.find(base);
    if (file == files.end()) continue;
    UidEntry entry;
    if (const auto* known = ours.find(base); known != nullptr) {
      entry = *known;
      entry.file = {};
    } else {
      auto measured = measure(file->second);
      if (!measured || !*measured) continue;
      entry = (*measured)->entry;
    }
    entry.keywords = keywords_now(state, file->second.name, entry.keywords);
    if (file->second.place == Place::in_new) state.first_recent = std::min(state.first_recent, uid);
    state.add(uid, std::move(entry));
  }
  state.uid_next = std::max(state.uid_next, dovecot.uid_next);
  state.uid_ceiling = state.uid_next;
  state.modseq_ceiling = state.modseq;
  state.tombstones.start(state.modseq);  // what another server removed is known by its UIDs alone
  return state;
}

/// The state of a list that does not exist yet: what Dovecot left, for the files that are there.
UidState MaildirCore::seed() {
  const auto dovecot = read_dovecot();
  const auto files = files_by_base();
  const auto letters = read_letters();
  UidState none;
  if (!dovecot || !files || !letters || dovecot->uid_validity == 0) return none;
  return state_by(*dovecot, *files, none);
}

/// What Dovecot has made of a mailbox that was handed over to it. False if its UIDs contradict ours, or its list is
/// gone: then the keywords alone are those of the files.
Result<bool> MaildirCore::take_back(UidState& state) {
  const auto dovecot = read_dovecot();
  if (!dovecot) return fail(dovecot);
  const auto files = files_by_base();
  if (!files) return fail(files);
  if (auto letters = read_letters(); !letters) return fail(letters);
  // Under another UIDVALIDITY it may give any UID to any message.
  const bool numbered_anew = dovecot->uid_validity != 0 && dovecot->uid_validity != state.uid_validity;
  if (numbered_anew || goes_on(*dovecot, state)) {
    state = state_by(*dovecot, *files, state);
    return true;
  }
  for (auto& entry : state.entries()) {
    const auto file = files->find(entry.base);
    if (file != files->end()) entry.keywords = keywords_now(state, file->second.name, entry.keywords);
  }
  return false;
}

}  // namespace facteur::store
