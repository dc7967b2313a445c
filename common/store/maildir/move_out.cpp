// Handing a mailbox over to Dovecot: what it reads is written and durable first, then facteur-uids says that another
// server goes on (FORMAT.md: what a crash leaves in between). move_in.cpp is the way back.
#include "common/base/encode.h"
#include "common/base/random.h"
#include "common/store/maildir/core.h"
#include "common/store/maildir/dovecot_export.h"
#include "common/store/small_file.h"

namespace facteur::store {
namespace {

constexpr std::size_t guid_octets = 16;
/// Times that the mailbox may change between the look at its files and the lock of its list.
constexpr int max_attempts = 5;

}  // namespace

Result<MovedOut> MaildirCore::move_out() {
  const std::scoped_lock lock(mutex_);
  const auto before = is_handed_over(folders_.root.get(), *options_.files);
  if (!before) return fail(before);
  if (*before) return MovedOut{.before = true, .left_out = {}};
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (auto looked = look_for_all(); !looked) return fail(looked);
    const auto used = list_.used();
    auto left_out = write_keywords();
    if (!left_out) return fail(left_out);
    auto list = list_.lock();
    if (!list) return fail(list);
    // Others gave UIDs or keywords meanwhile, or a file had another name.
    if (list_.generation() != scanned_generation_ || list_.used() != used) continue;
    auto done = hand_over(*list);
    if (done) done->left_out = *std::move(left_out);
    return done;
  }
  return fail(Kind::temporary, "the mailbox changes all the time");
}

/// Reads the folders: each message has one file and a UID then.
Result<> MaildirCore::look_for_all() {
  if (auto looked = refresh(true); !looked) return looked;
  if (!odd_) return {};
  if (auto parted = part_twins(); !parted) return parted;
  return refresh(true);
}

/// Puts the keywords into the names of the files, durable; gives those that have no letter.
Result<std::vector<std::string>> MaildirCore::write_keywords() {
  if (auto read = read_letters(); !read) return fail(read);
  auto letters = letters_for(list_.state(), *letters_);
  auto& files = *options_.files;
  const auto text = format_dovecot_keywords(letters);
  if (!text.empty()) {
    if (auto written = replace_small_file(folders_.root.get(), "dovecot-keywords", text, files); !written) {
      return fail(written);
    }
  }
  letters_ = letters.names;
  std::vector<Uid> uids;
  for (const auto& entry : list_.state().entries()) uids.push_back(entry.uid);
  for (const Uid uid : uids) {
    const auto named = with_file(uid, [&](UidEntry& entry) { return name_by(entry, letters); });
    if (!named) return fail(named);
  }
  // A Dovecot that has been here before has an index, with its own UIDNEXT, and believes it while cur/ is as it was.
  const auto seconds = std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
  if (auto touched = files.set_time(folders_.cur.get(), seconds); !touched) return fail(touched);
  if (auto synced = files.sync(folders_.fresh.get()); !synced) return fail(synced);
  if (auto synced = cur_sync_->sync(folders_.cur.get(), files); !synced) return fail(synced);
  return std::move(letters.left_out);
}

/// Names the file of a message by its flags and keywords, which only a file in cur/ can say.
Result<> MaildirCore::name_by(UidEntry& entry, const KeywordLetters& letters) {
  const auto keywords = letters.of(entry.keywords, list_.state().keywords);
  const auto info = info_for(entry.file.info, entry.file.system_flags, keywords);
  const auto said = info_letters(info);
  const bool same = entry.file.place == Place::in_cur ? said == info_letters(entry.file.info) : said.empty();
  return same ? Result<>() : rename_to(entry, info);
}

Result<MovedOut> MaildirCore::hand_over(UidList::Locked& list) {
  const auto& state = list_.state();
  const auto old = read_dovecot();
  if (!old) return fail(old);
  // Dovecot knows a mailbox by it, whatever its name.
  const bool known = old->uid_validity == state.uid_validity && !old->guid.empty();
  const auto text = format_dovecot_uidlist(state, known ? old->guid : hex_encode(random_octets(guid_octets)));
  // Should facteur-uids be lost, this UIDVALIDITY must not pass for one that comes from Dovecot.
  if (auto written = options_.write_down(state.uid_validity); !written) return fail(written);
  if (auto written = replace_small_file(folders_.root.get(), "dovecot-uidlist", text, *options_.files); !written) {
    return fail(written);
  }
  if (auto done = list.hand_over(); !done) return fail(done);
  return MovedOut{.uid_validity = state.uid_validity,
                  .uid_next = state.uid_next,
                  .messages = snapshot_->records.size(),
                  .left_out = {}};
}

}  // namespace facteur::store
