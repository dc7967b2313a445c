// The open mailbox is used as long as its path still leads to it: a user may have moved it away and made a new one.

#include "delivery/local/inbox.h"

namespace facteur::local {

Result<std::shared_ptr<store::MailboxDelivery>> Inbox::opened() {
  const std::lock_guard lock(mutex_);
  struct stat now{};
  const bool there = ::stat(location_.path.c_str(), &now) == 0;
  if (open_ && there && now.st_dev == device_ && now.st_ino == inode_) return open_;
  auto opened = store::open_delivery(location_, options_);
  if (!opened) return fail(opened);
  open_ = std::move(*opened);
  if (::stat(location_.path.c_str(), &now) == 0) {
    device_ = now.st_dev;
    inode_ = now.st_ino;
  }
  return open_;
}

Result<std::string> Inbox::deliver(const store::Delivery& delivery) {
  const auto mailbox = opened();
  if (!mailbox) return fail(mailbox);
  if (auto file = (*mailbox)->deliver(delivery); !file) {
    // Perhaps a part of it was replaced: the next delivery opens it anew.
    const std::lock_guard lock(mutex_);
    if (open_ == *mailbox) open_.reset();
    return fail(file);
  }
  return location_.format == store::Location::Format::maildir ? "delivered to maildir" : "delivered to mailbox";
}

}  // namespace facteur::local
