// What is done one at a time in an account: new UIDVALIDITY values and changes of the subscriptions.
#pragma once

#include <cstdint>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/file_lock.h"

namespace facteur::store {

/// Holds the lock of the account whose folder is `directory`: that of its file facteur-uidvalidity.
class AccountLock {
 public:
  [[nodiscard]] static Result<AccountLock> take(int directory, fs::Files& files);

  /// The next UIDVALIDITY: the present second, or one more than the last value given if that is not lower (RFC 3501
  /// section 2.3.1.1). Higher than `foreign`, which another server gave, as far as 32 bits allow. Durable before it is
  /// told.
  [[nodiscard]] Result<std::uint32_t> next_uid_validity(std::uint32_t foreign = 0);

 private:
  AccountLock(Fd fd, FileLock lock, fs::Files& files) : fd_(std::move(fd)), lock_(std::move(lock)), files_(&files) {}
  Fd fd_;
  FileLock lock_;  ///< behind fd_: released before it is closed
  fs::Files* files_;
};

}  // namespace facteur::store
