// One mailbox in memory: its state, which sessions share, and a session's handle on it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/store/mailbox.h"
#include "common/store/uids/tombstones.h"

namespace facteur::store {

/// The messages and counters of one mailbox. All members are used under `mutex`.
struct MemoryState {
  explicit MemoryState(std::uint32_t uid_validity);

  std::mutex mutex;
  std::shared_ptr<const Snapshot> snapshot;
  std::map<Uid, std::shared_ptr<const std::string>> contents;
  Uid first_recent = 1;
  Tombstones tombstones;
  std::set<int> watchers;  ///< event descriptors of the open handles

  /// A copy of the snapshot to change, with the next mod-sequence as its highest.
  [[nodiscard]] Snapshot next() const;
  /// Makes `changed` the present, and tells all handles but that of `by`.
  void publish(Snapshot changed, int by);
  /// Adds messages; `bits[i]` are the keywords of messages[i] in changed.keywords.
  [[nodiscard]] Appended add(Snapshot& changed, std::span<const NewMessage> messages,
                             const std::vector<std::string>& all_octets, const std::vector<std::uint64_t>& bits);
};

/// A session's handle.
class MemoryMailbox : public Mailbox {
 public:
  MemoryMailbox(std::shared_ptr<MemoryState> state, bool read_only);
  MemoryMailbox(const MemoryMailbox&) = delete;
  MemoryMailbox& operator=(const MemoryMailbox&) = delete;
  ~MemoryMailbox() override;

  [[nodiscard]] bool read_only() const override { return read_only_; }
  [[nodiscard]] Result<Status> status() override;
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> snapshot() override;
  [[nodiscard]] Result<Uid> first_recent(bool claim) override;
  [[nodiscard]] Result<std::unique_ptr<Content>> open(Uid uid) override;
  [[nodiscard]] Result<std::shared_ptr<const mime::Summary>> summary(Uid uid, mime::Aspects wanted) override;
  [[nodiscard]] Result<Appended> append(std::span<const NewMessage> messages) override;
  [[nodiscard]] Result<> change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords) override;
  [[nodiscard]] Result<std::vector<Uid>> expunge(std::span<const Uid> uids) override;
  [[nodiscard]] Result<std::vector<UidRange>> expunged_since(std::uint64_t modseq) override;
  [[nodiscard]] Result<Appended> copy(std::span<const Uid> uids, Mailbox& to) override;
  [[nodiscard]] int watch_descriptor() override { return watch_.get(); }
  void drain_watch() override;

 private:
  [[nodiscard]] std::shared_ptr<const std::string> content(Uid uid);

  std::shared_ptr<MemoryState> state_;
  bool read_only_;
  Fd watch_;
};

}  // namespace facteur::store
