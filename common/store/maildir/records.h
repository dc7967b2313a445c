// What the index keeps of the messages of one Maildir mailbox, so that a large one is not read again by each process
// that opens it: what stands in its list, and where the files are, as they were when the folders looked so and so.
//
// It is believed only while the list is the same file, and cur/ the same folder, as far as their inodes tell: the time
// of their last change (ctime) can be set by nobody. new/ may differ, and is read then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/store/index/index.h"
#include "common/store/uids/state.h"

namespace facteur::store {

/// When a file or folder was changed last, as its inode tells. ctime, which nobody can set.
struct Stamp {
  std::uint64_t inode = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

/// What differs whenever the files of a mailbox do.
struct StateOfFiles {
  Stamp fresh, cur, list;  ///< new/, cur/, facteur-uids
  std::uint64_t list_size = 0;
  [[nodiscard]] std::string mailbox() const {
    return std::to_string(fresh.inode);
  }  ///< which one it is, while it exists
  [[nodiscard]] std::string others() const;  ///< cur/ and the list, as octets
  [[nodiscard]] std::string all() const { return fresh.text() + ' ' + others(); }
  friend bool operator==(const StateOfFiles&, const StateOfFiles&) = default;
};

/// Follows the messages of one mailbox: what was kept last is not written again. Not for several threads at once.
class MaildirRecords {
 public:
  /// What was kept; nothing if the files have changed since, or anything in it is damaged.
  struct Kept {
    UidState state;         ///< each message has its file
    bool same_new = false;  ///< new/ is as it was, too
  };
  [[nodiscard]] std::optional<Kept> load(Index& index, const StateOfFiles& files);

  /// True if this has been kept.
  [[nodiscard]] bool are_kept(const StateOfFiles& files) const { return files == kept_under_; }
  /// Keeps all messages of a state, each of which has a file, as they are while the files look so.
  void keep(Index& index, const StateOfFiles& files, const UidState& state);

 private:
  using Checksums = std::vector<std::pair<Uid, std::uint32_t>>;
  [[nodiscard]] std::vector<RecordChange> changes_to(const UidState& state, Checksums& now) const;

  StateOfFiles kept_under_;
  std::string header_;  ///< under which they are kept; empty: by us they are not
  Checksums kept_;      ///< of the records, by ascending UID
};

}  // namespace facteur::store
