// Locks of an mbox.
#include "common/store/mbox/lock.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/base/time.h"
#include "common/log/log.h"

namespace facteur::store {
namespace {

constexpr mode_t mbox_mode = 0600;
constexpr std::size_t most_of_a_lock = 512;

/// Why this file is no mbox of ours; empty if it is one.
std::string_view fault_of(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  if (status.st_nlink > 1) return "has several links";
  if (status.st_uid != ::geteuid()) return "has another owner";
  if ((status.st_mode & S_IWOTH) != 0) return "is writable by all";
  if ((status.st_mode & (S_ISUID | S_ISGID | S_ISVTX)) != 0) return "has a set-id bit";
  return {};
}

std::string machine() {
  struct utsname names{};
  return ::uname(&names) == 0 ? names.nodename : "";
}

/// Whether the writer of a dotlock is a process of this machine that is no more. Dovecot writes the same "pid:host"; a
/// number alone may be of any machine that shares the folder.
bool is_of_the_dead(std::string_view content) {
  const auto colon = content.find(':');
  if (colon == std::string_view::npos || trim(content.substr(colon + 1)) != machine()) return false;
  const auto pid = parse_number<pid_t>(content.substr(0, colon));
  return pid && *pid > 0 && ::kill(*pid, 0) < 0 && errno == ESRCH;
}

bool may_not_create(int number) {
  return number == EACCES || number == EPERM || number == EROFS;
}

}  // namespace

DotLock& DotLock::operator=(DotLock&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::exchange(other.path_, {});
    files_ = other.files_;
    kept_ = std::move(other.kept_);
  }
  return *this;
}

void DotLock::release() {
  if (!path_.empty()) (void)files_->unlink(AT_FDCWD, path_);
  path_.clear();
  kept_.reset();
}

Result<bool> DotLock::attempt(const std::string& mbox, const MboxLockOptions& options, fs::Files& files) {
  const auto path = mbox + ".lock";
  files_ = &files;
  // O_EXCL follows no link.
  const auto fd = files.open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0444);
  if (fd) {
    path_ = path;
    if (auto written = files.write(fd->get(), std::to_string(::getpid()) + ':' + machine()); !written) {
      release();
      return fail(written);
    }
    return true;
  }
  const int refusal = fd.error().errno_value;
  if (refusal != EEXIST && !may_not_create(refusal)) return fail(fd);
  if (refusal == EEXIST || !options.reading) {
    const auto kept = ask_keeper(mbox, options);
    if (!kept) return fail(kept);
    if (*kept) return **kept;
  }
  if (refusal != EEXIST) return true;
  const auto removed = remove_stale(path, mbox, options.stale_dotlock);
  if (removed) return false;
  // A stale one that we may not remove is as good as none.
  return may_not_create(removed.error().errno_value) ? Result<bool>(true) : fail(removed);
}

Result<std::optional<bool>> DotLock::ask_keeper(const std::string& mbox, const MboxLockOptions& options) {
  if (!options.keeper) return std::nullopt;
  auto answer = options.keeper->take(mbox, options.wait);
  if (!answer) return fail(answer);
  if (answer->outcome == DotlockKeeper::Outcome::none) return std::nullopt;
  kept_ = std::move(answer->lock);
  return answer->outcome == DotlockKeeper::Outcome::taken;
}

Result<> DotLock::remove_stale(const std::string& path, const std::string& mbox, Seconds stale) const {
  const auto status = files_->status_at(AT_FDCWD, path);
  if (!status || S_ISDIR(status->st_mode)) return {};  // gone meanwhile, or no lock
  const auto mailbox = files_->status_at(AT_FDCWD, mbox);
  const auto changed = std::max(status->st_mtim.tv_sec, mailbox ? mailbox->st_mtim.tv_sec : 0);
  const auto now = std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch());
  if (now - Seconds{changed} < stale && !is_left_over(path)) return {};
  auto removed = files_->unlink(AT_FDCWD, path);
  if (!removed && removed.error().errno_value == ENOENT) return {};
  if (removed) log::warning("removed the stale lock {}", printable(path));
  return removed;
}

bool DotLock::is_left_over(const std::string& path) const {
  const auto fd = files_->open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const auto content = fd ? files_->read_at(fd->get(), 0, most_of_a_lock) : Result<std::string>(fail(fd));
  return content && is_of_the_dead(*content);
}

Result<bool> LockedMbox::lock_both(const std::string& path, const MboxLockOptions& options, fs::Files& files) {
  const bool dotlock_first = options.order == MboxLockOrder::dotlock_then_fcntl;
  if (dotlock_first) {
    const auto dotted = dotlock_.attempt(path, options, files);
    if (!dotted || !*dotted) return dotted;
  }
  auto lock = FileLock::take(file_.get(), Milliseconds{0}, path);
  if (!lock && lock.error().kind == Kind::timeout) {
    dotlock_.release();
    return false;
  }
  if (!lock) return fail(lock);
  lock_ = *std::move(lock);
  if (dotlock_first) return true;
  const auto dotted = dotlock_.attempt(path, options, files);
  if (!dotted || !*dotted) lock_.release();
  return dotted;
}

/// One attempt at everything; false if somebody else has a lock.
Result<bool> LockedMbox::attempt(const std::string& path, bool create, const MboxLockOptions& options,
                                 fs::Files& files) {
  auto fd = files.open(AT_FDCWD, path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (!fd && fd.error().errno_value == ENOENT && create) {
    fd = files.open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mbox_mode);
    if (!fd && fd.error().errno_value == EEXIST) return false;
  }
  if (!fd) return fail(fd);
  file_ = *std::move(fd);
  auto locked = lock_both(path, options, files);
  if (!locked || !*locked) return locked;
  const auto status = files.status(file_.get());
  if (!status) return fail(status);
  const auto named = files.status_at(AT_FDCWD, path);
  if (!named || named->st_ino != status->st_ino || named->st_dev != status->st_dev) {
    // It was replaced while we waited: what we have locked is no mbox any more.
    lock_.release();
    dotlock_.release();
    return false;
  }
  if (const auto fault = fault_of(*status); !fault.empty()) {
    return fail(Kind::temporary, "mbox " + printable(path) + ' ' + std::string(fault));
  }
  status_ = *status;
  return true;
}

Result<LockedMbox> LockedMbox::open(const std::string& path, bool create, const MboxLockOptions& options,
                                    fs::Files& files) {
  LockedMbox out;
  const auto locked = try_until(options.wait, [&] { return out.attempt(path, create, options, files); });
  if (!locked) return fail(locked);
  if (!*locked) return fail(Kind::timeout, "mbox " + printable(path) + " is locked by another program");
  return out;
}

}  // namespace facteur::store
