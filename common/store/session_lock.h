// The lock of a POP3 session on a maildrop (RFC 1939 section 4): among POP3 sessions only, so that mail can still come
// and IMAP sessions go on.
#pragma once

#include <string>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/file_lock.h"

namespace facteur::store {

/// Held by one session at a time; gone with the process that held it.
class SessionLock {
 public:
  /// Takes the lock of the maildrop whose folder is `folder`. Kind::timeout if another session has it ([IN-USE]).
  [[nodiscard]] static Result<SessionLock> take(const std::string& folder, fs::Files& files);

 private:
  SessionLock(Fd fd, FileLock lock) : fd_(std::move(fd)), lock_(std::move(lock)) {}
  Fd fd_;
  FileLock lock_;
};

}  // namespace facteur::store
