// The index of an account: a cache of what the files and the UID lists say. It can be deleted at any moment; whoever
// asks gets nothing then, and reads the files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "common/store/mailbox.h"

namespace facteur::store {

class UidState;

/// Which message a summary is of. `name` is what the store tells it by for ever (the base of its file's name): a
/// mailbox that somebody has copied, or taken over from another server, may share UIDVALIDITY and UIDs with another
/// one.
struct MessageKey {
  std::uint32_t uid_validity = 0;
  Uid uid = 0;
  std::string name;
};

/// A mailbox of so many messages is read faster than an index is opened.
constexpr std::uint32_t small_mailbox = 500;

/// Octets that a store keeps of a message; nothing: they go.
struct RecordChange {
  Uid uid = 0;
  std::optional<std::string> octets;
};

/// A cache by mailbox. For several threads. Nothing here fails: what cannot be read is not there, what cannot be
/// written is logged and left.
class Index {
 public:
  virtual ~Index() = default;

  /// The octets kept for a message's summary.
  [[nodiscard]] virtual std::optional<std::string> summary(const MessageKey& message) = 0;
  virtual void keep_summary(const MessageKey& message, std::string_view octets) = 0;
  virtual void forget_summaries(std::uint32_t uid_validity, std::span<const Uid> uids) = 0;

  /// The counters of a mailbox, if they were kept under the same `state`: octets that differ whenever the files do.
  [[nodiscard]] virtual std::optional<Status> counters(std::string_view mailbox, std::string_view state) = 0;
  virtual void keep_counters(std::string_view mailbox, std::string_view state, const Status& status) = 0;

  /// Calls `wants` with the header that the records of a mailbox are kept under, and, if it says so, `each` with the
  /// records by ascending UID, until it is false. True if all of them were given.
  [[nodiscard]] virtual bool records(std::string_view mailbox, const std::function<bool(std::string_view)>& wants,
                                     const std::function<bool(Uid, std::string_view)>& each) = 0;
  /// Makes what is kept under the header `before` what is to be kept under `after`. An empty `before`: whatever is kept
  /// goes first. False, and nothing is changed, if it is kept under another header, or cannot be written.
  [[nodiscard]] virtual bool keep_records(std::string_view mailbox, std::string_view before, std::string_view after,
                                          std::span<const RecordChange> changes) = 0;
  virtual void forget_records(std::string_view mailbox) = 0;
};

/// The index in this folder, which is made if it is missing: one object a folder in this process, closed with its last
/// user. nullptr if there can be none.
[[nodiscard]] std::shared_ptr<Index> open_index(const std::string& folder);

/// Closes what nobody has asked an index of this process for so long, until somebody asks again: an environment that is
/// open holds three descriptors and 50 KB. May write: for a work pool.
void close_unused_indexes(Seconds unused);

/// The key of a message that this snapshot shows. Kind::permanent if it shows none.
[[nodiscard]] Result<MessageKey> key_of(Uid uid, const Snapshot& snapshot, UidState& state);

/// The summary of a message, or what is wanted of it: as the index (if there is one) has kept it, else parsed from the
/// content and kept.
[[nodiscard]] Result<std::shared_ptr<const mime::Summary>> summary_of(
    const MessageKey& message, mime::Aspects wanted, Index* index,
    const std::function<Result<std::unique_ptr<Content>>()>& open);

}  // namespace facteur::store
