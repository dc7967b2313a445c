// A session's handle on a Maildir mailbox.
#include "common/store/maildir_mailbox.h"

#include <cerrno>

#include "common/store/copy.h"

namespace facteur::store {
namespace {

/// True if link(2) said that this file system or these two folders know no such link.
bool cannot_link(const Error& error) {
  return error.errno_value == EXDEV || error.errno_value == EPERM || error.errno_value == EMLINK ||
         error.errno_value == EOPNOTSUPP;
}

}  // namespace

Result<Appended> MaildirMailbox::append(std::span<const NewMessage> messages) {
  if (read_only_) return refuse_read_only();
  return core_->append(messages);
}

Result<> MaildirMailbox::change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords) {
  if (read_only_) return refuse_read_only();
  return core_->change_flags(uids, how, system_flags, keywords);
}

Result<std::vector<Uid>> MaildirMailbox::expunge(std::span<const Uid> uids) {
  if (read_only_) return refuse_read_only();
  return core_->expunge(uids);
}

Result<Appended> MaildirMailbox::copy(std::span<const Uid> uids, Mailbox& to) {
  if (to.read_only()) return refuse_read_only();
  auto* maildir = dynamic_cast<MaildirMailbox*>(&to);
  if (maildir == nullptr) return copy_octets(*this, uids, to);
  auto copied = core_->copy_to(uids, *maildir->core_);
  if (!copied && cannot_link(copied.error())) return copy_octets(*this, uids, to);
  return copied;
}

int MaildirMailbox::watch_descriptor() {
  if (!watch_) watch_.emplace(std::vector<std::string>{path_ + "/new", path_ + "/cur", path_});
  return watch_->descriptor();
}

void MaildirMailbox::drain_watch() {
  if (watch_) watch_->drain();
}

}  // namespace facteur::store
