#include "queue/spool/spares.h"

#include <cerrno>
#include <fcntl.h>
#include <utility>

namespace facteur::queue {
namespace {

constexpr std::size_t most_spares = 128;

/// Asks the kernel whether nobody else has the file open, for reading or writing: a write lease (fcntl(2), F_SETLEASE)
/// is refused while anybody has. A mapping counts as open.
bool nobody_else_has(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_WRLCK) < 0) return false;
  return ::fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

}  // namespace

bool Spares::keep(int directory, const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (spares_.size() >= most_spares) return false;
  }
  auto file = files_.open(directory, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return false;
  const auto status = files_.status(file->get());
  if (!status || !S_ISREG(status->st_mode) || status->st_nlink != 1) return false;
  // In this order: only queued can open it, and does not while it is finished.
  if (!nobody_else_has(file->get()) || !files_.truncate(file->get(), 0)) return false;
  const std::lock_guard lock(mutex_);
  spares_.push_back({name, std::move(*file)});
  return true;
}

std::optional<Fd> Spares::take(int directory, const std::string& name) {
  // A rename replaces what is there, and only queued makes names here.
  if (files_.status_at(directory, name)) return std::nullopt;
  for (;;) {
    std::optional<Spare> spare;
    {
      const std::lock_guard lock(mutex_);
      if (spares_.empty()) return std::nullopt;
      spare = std::move(spares_.back());
      spares_.pop_back();
    }
    if (files_.rename(directory, spare->name, directory, name)) return std::move(spare->file);
  }
}

void Spares::clear(int directory) {
  const std::lock_guard lock(mutex_);
  for (const auto& spare : spares_) (void)files_.unlink(directory, spare.name);
  spares_.clear();
}

}  // namespace facteur::queue
