// The index of an account: a cache of what the files and the UID lists say. It can be deleted at any moment; whoever
// asks gets nothing then, and reads the files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/store/mailbox.h"

namespace facteur::store {

/// A cache by mailbox. For several threads. Nothing here fails: what cannot be read is not there, what cannot be
/// written is logged and left.
class Index {
 public:
  virtual ~Index() = default;

  /// The octets kept for a message's summary.
  [[nodiscard]] virtual std::optional<std::string> summary(std::uint32_t uid_validity, Uid uid) = 0;
  virtual void keep_summary(std::uint32_t uid_validity, Uid uid, std::string_view octets) = 0;
  virtual void forget_summaries(std::uint32_t uid_validity, std::span<const Uid> uids) = 0;

  /// The counters of a mailbox, if they were kept under the same `state`: octets that differ whenever the files do.
  [[nodiscard]] virtual std::optional<Status> counters(std::string_view mailbox, std::string_view state) = 0;
  virtual void keep_counters(std::string_view mailbox, std::string_view state, const Status& status) = 0;
};

/// The index in this folder, which is made if it is missing: one object a folder in this process, closed with its last
/// user. nullptr if there can be none.
[[nodiscard]] std::shared_ptr<Index> open_index(const std::string& folder);

}  // namespace facteur::store
