// Files of finished messages, kept empty to be used again as slots: a file less to create and to remove for each
// message. ext4 without a journal makes each new file look past the places of all that were removed lately
// (recently_deleted() in fs/ext4/ialloc.c); there a busy queue would spend most of its time on that.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/fs/files.h"

namespace facteur::queue {

/// Empty files under the names of messages that are finished: legal slots to whoever finds them after a crash. May be
/// called from several threads at once.
class Spares {
 public:
  explicit Spares(fs::Files& files) : files_(files) {}

  /// Empties a file of `directory` and keeps it. False, and the file as it was, if there are enough, or if it is open
  /// anywhere else: who once held a descriptor of a message must not read the next one through it.
  [[nodiscard]] bool keep(int directory, const std::string& name);
  /// Gives one of them another name, which is not synced; open for writing only. Nothing if there is none.
  [[nodiscard]] std::optional<Fd> take(int directory, const std::string& name);
  /// Removes them all.
  void clear(int directory);

 private:
  struct Spare {
    std::string name;
    Fd file;
  };

  fs::Files& files_;
  std::mutex mutex_;
  std::vector<Spare> spares_;
};

}  // namespace facteur::queue
