// Changes of files and folders by others. There is one inotify instance in the process, since a user may have but 128;
// a thread reads it and wakes the mailboxes concerned.
#pragma once

#include <string>
#include <vector>

#include "common/base/fd.h"

namespace facteur::store {

/// Watches some paths while it lives.
class Watch {
 public:
  Watch() = default;
  /// Watches these paths; those that cannot be watched are passed over.
  explicit Watch(const std::vector<std::string>& paths);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// Watches one more path; nothing changes if what it names is watched already. False if it cannot be watched.
  bool add(const std::string& path);
  /// Readable when one of the paths may have changed; -1 if there is no descriptor left.
  [[nodiscard]] int descriptor() const { return event_.get(); }
  void drain();

 private:
  Fd event_;
};

}  // namespace facteur::store
