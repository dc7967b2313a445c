// The open mailbox is used as long as its path still leads to it: a user may have moved it, or its new/, away and made
// another one.

#include "delivery/local/inbox.h"

namespace facteur::local {

std::array<Inbox::Identity, 2> Inbox::there() const {
  const auto of = [](const std::string& path) -> Identity {
    struct stat now{};
    if (::stat(path.c_str(), &now) != 0) return {};
    return {now.st_dev, now.st_ino};
  };
  const bool maildir = location_.format == store::Location::Format::maildir;
  return {of(location_.path), maildir ? of(location_.path + "/new") : Identity{}};
}

Result<std::shared_ptr<store::MailboxDelivery>> Inbox::opened() {
  const std::lock_guard lock(mutex_);
  const auto now = there();
  if (open_ && now[0] != Identity{} && now == open_there_) return open_;
  auto opened = store::open_delivery(location_, options_);
  if (!opened) return fail(opened);
  open_ = std::move(*opened);
  // What was there before: if the path leads elsewhere meanwhile, the next delivery sees it.
  open_there_ = now;
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
