// A mailbox that mail is delivered into, whatever it is on disk.
#pragma once

#include <memory>
#include <string>

#include "common/process/mail_tree.h"
#include "common/store/maildir_delivery.h"
#include "config/settings.h"

namespace facteur::local {

/// For several threads. Every call blocks on files.
class Destination {
 public:
  virtual ~Destination() = default;
  /// Delivers, durable when it returns, and once however often it is tried; gives what the log says of it.
  [[nodiscard]] virtual Result<std::string> deliver(const store::Delivery& delivery) = 0;
};

/// The inbox of an account. Nothing is opened before the first delivery.
[[nodiscard]] std::unique_ptr<Destination> make_destination(const process::MailPlace& place,
                                                            const config::Settings& settings);

}  // namespace facteur::local
