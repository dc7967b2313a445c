// What is done one at a time in an account: new UIDVALIDITY values, taking over those of another server, and changes of
// the subscriptions.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/file_lock.h"

namespace facteur::store {

/// Holds the lock of the account whose folder is `directory`: that of its file facteur-uidvalidity.
class AccountLock {
 public:
  [[nodiscard]] static Result<AccountLock> take(int directory, fs::Files& files);

  /// The next UIDVALIDITY: the present second, or one more than the last value given if that is not lower (RFC 3501
  /// section 2.3.1.1). Higher than `foreign`, which another server gave, and than all that were taken over, as far as
  /// 32 bits allow. Durable before it is told.
  [[nodiscard]] Result<std::uint32_t> next_uid_validity(std::uint32_t foreign = 0);

  /// Writes down that a mailbox has this UIDVALIDITY of another server from now on; durable. False if one had it
  /// before, or if too many are written down.
  [[nodiscard]] Result<bool> take_over(std::uint32_t foreign);
  /// Writes down that a mailbox with this UIDVALIDITY was handed over to another server, so that a file of that server
  /// is never taken for one of a mailbox that was not here yet; durable. Kind::permanent if too many are written down.
  [[nodiscard]] Result<> write_down(std::uint32_t given_away);

 private:
  /// What the file says: the last UIDVALIDITY given, and those of another server.
  struct Given {
    std::uint32_t last = 0;
    std::vector<std::uint32_t> foreign;
  };

  AccountLock(Fd fd, FileLock lock, fs::Files& files) : fd_(std::move(fd)), lock_(std::move(lock)), files_(&files) {}
  [[nodiscard]] Result<Given> read();
  [[nodiscard]] Result<> add(const Given& given, std::uint32_t foreign);
  [[nodiscard]] Result<> write(std::uint32_t number, std::size_t line);

  Fd fd_;
  FileLock lock_;  ///< behind fd_: released before it is closed
  fs::Files* files_;
};

}  // namespace facteur::store
