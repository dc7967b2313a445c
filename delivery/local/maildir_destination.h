// Delivery into a Maildir that stays open between messages.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <sys/stat.h>

#include "delivery/local/destination.h"

namespace facteur::local {

class MaildirDestination : public Destination {
 public:
  MaildirDestination(std::string path, std::string host) : path_(std::move(path)), host_(std::move(host)) {}
  [[nodiscard]] Result<std::string> deliver(const store::Delivery& delivery) override;

 private:
  [[nodiscard]] Result<std::shared_ptr<const store::MaildirDelivery>> opened();

  const std::string path_;
  const std::string host_;
  std::mutex mutex_;
  std::shared_ptr<const store::MaildirDelivery> maildir_;
  dev_t device_ = 0;  ///< of the folder that is open
  ino_t inode_ = 0;
};

}  // namespace facteur::local
