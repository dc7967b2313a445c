// Tells when one of a few files was written, replaced or removed. The folders are watched, so that a file replaced by
// rename is seen.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/loop/poll.h"

namespace facteur::auth {

class Watch {
 public:
  Watch(loop::Loop& loop, std::function<void()> changed);

  /// Watches these files from now on; they need not exist, their folders must. Gives a line for each folder that cannot
  /// be watched.
  [[nodiscard]] std::vector<std::string> set(const std::vector<std::string>& files);
  /// Looks now: calls `changed` if something has happened that the loop has not yet come to. A change that was
  /// complete before this call is never missed.
  void look();

 private:
  std::function<void()> changed_;
  Fd inotify_;
  loop::Poll poll_;
  std::map<int, std::set<std::string>> names_;  ///< by watch: the names that count in that folder
};

}  // namespace facteur::auth
