// Landlock (landlock(7)): what files a thread and its children can still reach.
#pragma once

#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/process/role.h"

namespace facteur::process {

/// Rules prepared while paths can still be opened; enforce() closes the door.
class Landlock {
 public:
  /// The kernel's ABI; 0 where there is none. Below 2 renames between folders fail, so such a kernel counts as none.
  [[nodiscard]] static int abi();
  /// Allows nothing but these paths, of which those that do not exist are passed over. Connecting and binding TCP
  /// sockets is refused too unless `tcp`, where the kernel can (ABI 4).
  [[nodiscard]] static Result<Landlock> prepare(const std::vector<Path>& paths, bool tcp);
  /// For this thread and what it starts; no_new_privs must be set.
  [[nodiscard]] Result<> enforce();

 private:
  Fd rules_;
};

}  // namespace facteur::process
