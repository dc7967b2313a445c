// What a process knows of one mbox: shared by all its sessions. The file is the truth for messages, flags and keywords;
// the UID list beside it gives each message, known by its checksums, the UID that stays.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/store/index/index.h"
#include "common/store/mbox/lock.h"
#include "common/store/mbox/scan.h"
#include "common/store/mbox/write.h"
#include "common/store/uids/list.h"

namespace facteur::store {

struct MboxOptions {
  fs::Files* files = &fs::system_files();
  MboxLockOptions lock;
  std::shared_ptr<Index> index;  ///< may be nullptr
};

/// Messages larger than this are not opened: one is in memory while it is read.
constexpr std::uint64_t max_mbox_message = 512 << 20;

/// For several threads. An mbox that does not exist is empty.
class MboxCore {
  struct Key {
    explicit Key() = default;
  };

 public:
  /// The one core of the mbox at `path`. `state` is our folder beside it; it is made if it is missing.
  [[nodiscard]] static Result<std::shared_ptr<MboxCore>> of(const std::string& path, const std::string& state,
                                                            MboxOptions options);
  /// Only for of(): a Key is not to be had elsewhere.
  MboxCore(Key key, std::string path, Fd state, MboxOptions options);

  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> snapshot();
  [[nodiscard]] Result<Status> status();
  [[nodiscard]] Result<Uid> first_recent(bool claim);
  [[nodiscard]] Result<std::unique_ptr<Content>> open(Uid uid);
  [[nodiscard]] Result<std::shared_ptr<const mime::Summary>> summary(Uid uid, mime::Aspects wanted);
  [[nodiscard]] Result<Appended> append(std::span<const NewMessage> messages);
  /// Copies messages to the end of the mbox itself.
  [[nodiscard]] Result<Appended> copy(std::span<const Uid> uids);
  [[nodiscard]] Result<> change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords);
  [[nodiscard]] Result<std::vector<Uid>> expunge(std::span<const Uid> uids);
  [[nodiscard]] Result<std::vector<UidRange>> expunged_since(std::uint64_t modseq);

 private:
  /// The file as it was when it was read.
  struct Stamp {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };

  /// What an mbox is locked for.
  enum class Purpose : std::uint8_t { read, change, create };

  [[nodiscard]] Result<> refresh();
  /// Locks the mbox; nothing if it does not exist, and is not to be made.
  [[nodiscard]] Result<std::optional<LockedMbox>> lock(Purpose purpose);
  [[nodiscard]] Result<> load(const LockedMbox* mbox);
  [[nodiscard]] Result<> settle();
  void give_uids(UidList::Locked& list);
  void note_flags(UidList::Locked& list, Uid uid, const MboxMessage& message, std::uint64_t& modseq);
  void publish();
  [[nodiscard]] Result<std::uint32_t> new_validity();
  [[nodiscard]] const MboxMessage* message_of(Uid uid) const;
  [[nodiscard]] Result<std::string> header_with(const LockedMbox& mbox, const MboxMessage& message, Flags flags);
  [[nodiscard]] Result<Appended> append_to(const LockedMbox& mbox, std::span<const NewMessage> messages);
  [[nodiscard]] Result<> add_all(const LockedMbox& mbox, std::span<const NewMessage> messages);

  std::mutex mutex_;
  std::string path_;
  Fd state_;
  MboxOptions options_;
  UidList list_;
  Stamp stamp_;
  bool settled_ = false;
  std::uint64_t generation_ = 0;  ///< of list_ when the mbox was read
  MboxScan scan_;
  std::map<Uid, std::size_t> positions_;  ///< in scan_.messages
  std::shared_ptr<const Snapshot> snapshot_;
  Status status_;
};

}  // namespace facteur::store
