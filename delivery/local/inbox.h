// The inbox of an account, kept open between messages.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <utility>

#include "common/store/location.h"

namespace facteur::local {

/// For several threads. Nothing is opened before the first delivery. Every call blocks on files.
class Inbox {
 public:
  Inbox(store::Location location, store::OpenOptions options)
      : location_(std::move(location)), options_(std::move(options)) {}

  /// Delivers: durable when it returns, and once however often it is tried. Gives what the log says of it.
  [[nodiscard]] Result<std::string> deliver(const store::Delivery& delivery);

 private:
  [[nodiscard]] Result<std::shared_ptr<store::MailboxDelivery>> opened();

  const store::Location location_;
  const store::OpenOptions options_;
  std::mutex mutex_;
  std::shared_ptr<store::MailboxDelivery> open_;
  /// Device and inode.
  using Identity = std::pair<dev_t, ino_t>;
  /// What the path leads to: the mailbox and, of a Maildir, its new/.
  [[nodiscard]] std::array<Identity, 2> there() const;
  std::array<Identity, 2> open_there_{};  ///< before it was opened
};

}  // namespace facteur::local
