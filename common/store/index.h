// The index of an account: a cache of what the files and the UID lists say. It can be deleted at any moment; whoever
// asks gets nothing then, and reads the files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/store/mailbox.h"

namespace facteur::store {

/// A cache by mailbox. For several threads. Nothing here fails: what cannot be read is not there, what cannot be
/// written is logged once and left.
class Index {
 public:
  virtual ~Index() = default;

  /// The octets kept for a message's summary.
  [[nodiscard]] virtual std::optional<std::string> summary(std::uint32_t uid_validity, Uid uid) = 0;
  virtual void keep_summary(std::uint32_t uid_validity, Uid uid, std::string_view octets) = 0;
};

}  // namespace facteur::store
