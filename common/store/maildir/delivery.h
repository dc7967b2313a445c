// Delivery into a Maildir: durable before it is reported, exactly once however often it is tried again.
#pragma once

#include <memory>
#include <string>

#include "common/store/delivery.h"
#include "common/store/maildir/files.h"
#include "common/store/shared_sync.h"

namespace facteur::store {

/// One Maildir that is delivered to. For several threads.
class MaildirDelivery : public MailboxDelivery {
 public:
  /// Opens the Maildir, or makes it and missing parents' last folder (0700). `host` becomes part of the names.
  [[nodiscard]] static Result<std::unique_ptr<MailboxDelivery>> open(const std::string& path, std::string host,
                                                                     fs::Files& files = fs::system_files());

  /// Delivers, and gives the name of the file in new/ (or cur/, if an earlier attempt had succeeded). When it returns
  /// the message is durable. After an error nothing is left, but when only the last sync failed: then the message is
  /// there, and the next attempt finds it.
  [[nodiscard]] Result<std::string> deliver(const Delivery& delivery) override;

  MaildirDelivery(MaildirFolders folders, std::string host, fs::Files& files, std::shared_ptr<SharedSync> sync)
      : folders_(std::move(folders)), host_(std::move(host)), files_(&files), sync_(std::move(sync)) {}

 private:
  [[nodiscard]] Result<std::string> repeat(const Delivery& delivery, const std::string& name, bool& found) const;
  [[nodiscard]] Result<bool> same(int directory, const std::string& file, const Delivery& delivery) const;
  [[nodiscard]] Result<> confirm(int directory, const std::string& file, const std::string& name,
                                 const Delivery& delivery) const;

  MaildirFolders folders_;
  std::string host_;
  fs::Files* files_;
  std::shared_ptr<SharedSync> sync_;
};

}  // namespace facteur::store
