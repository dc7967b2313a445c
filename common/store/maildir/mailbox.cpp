// A session's handle on a Maildir mailbox.
#include "common/store/maildir/mailbox.h"

#include <cerrno>

namespace facteur::store {
namespace {

/// True if link(2) said that this file system or these two folders know no such link.
bool cannot_link(const Error& error) {
  return error.errno_value == EXDEV || error.errno_value == EPERM || error.errno_value == EMLINK ||
         error.errno_value == EOPNOTSUPP;
}

}  // namespace

Result<Appended> MaildirMailbox::copy(std::span<const Uid> uids, Mailbox& to) {
  if (to.read_only()) return refuse_read_only();
  if (auto same = same_uids(); !same) return fail(same);
  auto* maildir = dynamic_cast<MaildirMailbox*>(&to);
  if (maildir == nullptr) return copy_octets(*this, uids, to);
  auto copied = core().copy_to(uids, maildir->core());
  if (!copied && cannot_link(copied.error())) return copy_octets(*this, uids, to);
  return copied;
}

int MaildirMailbox::watch_descriptor() {
  // By its open folders: under its old name there may be another mailbox, or none.
  if (!watch_) watch_.emplace(core().watched_folders());
  return watch_->descriptor();
}

void MaildirMailbox::drain_watch() {
  // Watched before the caller looks at the folders, so that what comes after its look is an event.
  (void)watch_descriptor();
  watch_->drain();
}

}  // namespace facteur::store
