// What local delivery knows of a mailbox: it takes a message and keeps it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/store/mailbox.h"

namespace facteur::store {

/// A message for one mailbox.
struct Delivery {
  std::string_view headers;       ///< goes on top: Return-Path, Delivered-To … whole lines, any line ends
  Content* message = nullptr;     ///< any line ends; kept by the caller
  std::string_view reverse_path;  ///< without brackets; empty for <>: the From_ line of an mbox
  std::string_view queue_id;      ///< of the queue file
  std::uint32_t recipient = 0;    ///< number of the recipient in it
  std::int64_t arrival = 0;       ///< of the queue file, seconds since 1970: the same in every attempt
  bool first_attempt = false;     ///< true only if this delivery cannot have been tried before, also not before a crash
};

/// One mailbox that is delivered to. For several threads.
class MailboxDelivery {
 public:
  virtual ~MailboxDelivery() = default;
  /// Delivers; durable when it returns. Gives the name of the file, for the log. After an error nothing is left of the
  /// message, unless the store says otherwise.
  [[nodiscard]] virtual Result<std::string> deliver(const Delivery& delivery) = 0;
};

}  // namespace facteur::store
