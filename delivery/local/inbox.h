// The inbox of an account, kept open between messages.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <sys/stat.h>

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
  dev_t device_ = 0;  ///< of what is open
  ino_t inode_ = 0;
};

}  // namespace facteur::local
