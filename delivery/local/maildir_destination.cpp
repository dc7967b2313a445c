// The open Maildir is used as long as its path still leads to it: a user may have moved it away and made a new one.

#include "delivery/local/maildir_destination.h"

#include <fcntl.h>

namespace facteur::local {

Result<std::shared_ptr<const store::MaildirDelivery>> MaildirDestination::opened() {
  const std::lock_guard lock(mutex_);
  struct stat now{};
  const bool there = ::stat(path_.c_str(), &now) == 0;
  if (maildir_ && there && now.st_dev == device_ && now.st_ino == inode_) return maildir_;
  auto opened = store::MaildirDelivery::open(path_, host_);
  if (!opened) return fail(opened);
  maildir_ = std::make_shared<const store::MaildirDelivery>(std::move(*opened));
  if (::stat(path_.c_str(), &now) == 0) {
    device_ = now.st_dev;
    inode_ = now.st_ino;
  }
  return maildir_;
}

Result<std::string> MaildirDestination::deliver(const store::Delivery& delivery) {
  const auto maildir = opened();
  if (!maildir) return fail(maildir);
  auto file = (*maildir)->deliver(delivery);
  if (!file) {
    // Perhaps one of its folders was replaced: the next delivery opens them anew.
    const std::lock_guard lock(mutex_);
    if (maildir_ == *maildir) maildir_.reset();
    return fail(file);
  }
  return "delivered to maildir";
}

}  // namespace facteur::local
