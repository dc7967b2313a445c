// The locks of an mbox: fcntl and a dotlock, in the order that the host's programs agree on (Debian policy 11.6: fcntl
// first). The second is never waited for while the first is held, so that two orders cannot block each other for ever.
#pragma once

#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/file_lock.h"

namespace facteur::store {

enum class MboxLockOrder : std::uint8_t { fcntl_then_dotlock, dotlock_then_fcntl };

struct MboxLockOptions {
  MboxLockOrder order = MboxLockOrder::fcntl_then_dotlock;
  Milliseconds wait{10000};    ///< then Kind::timeout
  Seconds stale_dotlock{120};  ///< a dotlock was left by a crash if neither it nor the mbox changed for so long
};

/// The settings mbox_write_locks ("fcntl dotlock" or "dotlock fcntl"), mbox_lock_timeout and
/// mbox_dotlock_change_timeout.
[[nodiscard]] inline MboxLockOptions mbox_lock_options(std::string_view order, Seconds wait, Seconds stale) {
  const bool dotlock_first = order.starts_with("dotlock");
  return {dotlock_first ? MboxLockOrder::dotlock_then_fcntl : MboxLockOrder::fcntl_then_dotlock, wait, stale};
}

/// The file PATH.lock, removed at the end.
class DotLock {
 public:
  DotLock() = default;
  DotLock(DotLock&& other) noexcept : path_(std::exchange(other.path_, {})), files_(other.files_) {}
  DotLock& operator=(DotLock&& other) noexcept;
  DotLock(const DotLock&) = delete;
  DotLock& operator=(const DotLock&) = delete;
  ~DotLock() { release(); }
  void release();

  /// One attempt: true if it is ours now, or if there may be none: no right to make files in that folder. Then fcntl
  /// alone must do (TORTURE MBX-08).
  [[nodiscard]] Result<bool> attempt(const std::string& mbox, const MboxLockOptions& options, fs::Files& files);

 private:
  /// Removes the dotlock of a process that died, and one that changed as little as its mbox for so long.
  [[nodiscard]] Result<> remove_stale(const std::string& path, const std::string& mbox, Seconds stale) const;
  [[nodiscard]] bool is_left_over(const std::string& path) const;

  std::string path_;
  fs::Files* files_ = nullptr;
};

/// An mbox that is open and locked.
class LockedMbox {
 public:
  /// Opens and locks the mbox; makes it (0600) if it is missing and `create` says so, else ENOENT. Kind::temporary for
  /// what is no mbox of ours: not a regular file, a link, several links, another owner, writable by all, set-id bits
  /// (TORTURE MBX-10). The file that is locked is the one that has the name.
  [[nodiscard]] static Result<LockedMbox> open(const std::string& path, bool create, const MboxLockOptions& options,
                                               fs::Files& files);
  [[nodiscard]] int fd() const { return file_.get(); }
  /// As it was when the lock was taken.
  [[nodiscard]] const struct stat& status() const { return status_; }
  [[nodiscard]] std::uint64_t size() const { return static_cast<std::uint64_t>(status_.st_size); }

 private:
  LockedMbox() = default;
  [[nodiscard]] Result<bool> attempt(const std::string& path, bool create, const MboxLockOptions& options,
                                     fs::Files& files);
  [[nodiscard]] Result<bool> lock_both(const std::string& path, const MboxLockOptions& options, fs::Files& files);

  Fd file_;
  FileLock lock_;  ///< behind file_: released before it is closed
  DotLock dotlock_;
  struct stat status_{};
};

}  // namespace facteur::store
