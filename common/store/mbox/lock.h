// The locks of an mbox: fcntl and a dotlock, in the order that the host's programs agree on (Debian policy 11.6: fcntl
// first). The second is never waited for while the first is held, so that two orders cannot block each other for ever.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/file_lock.h"

namespace facteur::store {

enum class MboxLockOrder : std::uint8_t { fcntl_then_dotlock, dotlock_then_fcntl };

/// Takes dotlocks for us in a folder where we may make no file, as the system's mail folder is. For several threads.
class DotlockKeeper {
 public:
  enum class Outcome : std::uint8_t {
    taken,
    held,  ///< by somebody else
    none,  ///< none can be had there at all: fcntl alone must do
  };
  struct Answer {
    Outcome outcome = Outcome::none;
    std::shared_ptr<void> lock;  ///< of one that was taken: it is given back when this goes
  };
  virtual ~DotlockKeeper() = default;
  /// One attempt at the dotlock of this mbox, over after `most` at the latest: then, as for all that passes by itself,
  /// an error.
  [[nodiscard]] virtual Result<Answer> take(const std::string& mbox, Milliseconds most) = 0;
};

struct MboxLockOptions {
  MboxLockOrder order = MboxLockOrder::fcntl_then_dotlock;
  Milliseconds wait{10000};    ///< then Kind::timeout
  Seconds stale_dotlock{120};  ///< a dotlock was left by a crash if neither it nor the mbox changed for so long
  std::shared_ptr<DotlockKeeper> keeper = nullptr;  ///< where the folder refuses a dotlock of ours
  /// Nothing will be written: then the keeper is not asked for a dotlock of our own, only about one that is there.
  /// (Each costs it two processes; who writes has to take the fcntl lock as well.)
  bool reading = false;
};

/// The settings mbox_write_locks ("fcntl dotlock" or "dotlock fcntl"), mbox_lock_timeout and
/// mbox_dotlock_change_timeout.
[[nodiscard]] inline MboxLockOptions mbox_lock_options(std::string_view order, Seconds wait, Seconds stale) {
  const bool dotlock_first = order.starts_with("dotlock");
  return {.order = dotlock_first ? MboxLockOrder::dotlock_then_fcntl : MboxLockOrder::fcntl_then_dotlock,
          .wait = wait,
          .stale_dotlock = stale};
}

/// The file PATH.lock, ours or a keeper's for us, removed at the end.
class DotLock {
 public:
  DotLock() = default;
  DotLock(DotLock&& other) noexcept
      : path_(std::exchange(other.path_, {})), files_(other.files_), kept_(std::move(other.kept_)) {}
  DotLock& operator=(DotLock&& other) noexcept;
  DotLock(const DotLock&) = delete;
  DotLock& operator=(const DotLock&) = delete;
  ~DotLock() { release(); }
  void release();

  /// One attempt: true if it is ours now, or if there may be none: no right to make files in that folder, and no keeper
  /// that has it. Then fcntl alone must do (TORTURE MBX-08).
  [[nodiscard]] Result<bool> attempt(const std::string& mbox, const MboxLockOptions& options, fs::Files& files);

 private:
  /// Asks the keeper, if there is one. Nothing if it cannot help.
  [[nodiscard]] Result<std::optional<bool>> ask_keeper(const std::string& mbox, const MboxLockOptions& options);
  /// Removes the dotlock of a process that died, and one that changed as little as its mbox for so long.
  [[nodiscard]] Result<> remove_stale(const std::string& path, const std::string& mbox, Seconds stale) const;
  [[nodiscard]] bool is_left_over(const std::string& path) const;

  std::string path_;
  fs::Files* files_ = nullptr;
  std::shared_ptr<void> kept_;
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
