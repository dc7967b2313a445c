#include "queue/spool/spool.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/in_hand.h"
#include "queue/format/reader.h"
#include "queue/spool/queue_id.h"

namespace facteur::queue {
namespace {

constexpr std::array<const char*, 3> folder_names{"queue", "hold", "corrupt"};

/// Asks the kernel whether nobody, we included, has the file open for writing: a read lease (fcntl(2), F_SETLEASE) is
/// refused while anybody has.
Result<> nobody_writes(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) < 0) {
    if (errno == EAGAIN) return fail(Kind::temporary, "the file is still open for writing");
    return fail_errno("read lease", errno);
  }
  if (::fcntl(fd, F_SETLEASE, F_UNLCK) < 0) return fail_errno("giving up a read lease", errno);
  return {};
}

/// A file that only its folder names, and that is ours.
Result<> is_plain(const struct stat& status) {
  static const uid_t own = ::geteuid();
  if (!S_ISREG(status.st_mode)) return fail(Kind::corrupt, "it is no regular file");
  if (status.st_nlink != 1) return fail(Kind::corrupt, "it has several names");
  if (status.st_uid != own) return fail(Kind::corrupt, "it belongs to somebody else");
  return {};
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(fs::Files& files, const std::string& path) {
  auto root = files.open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!root) return fail(root);
  std::unique_ptr<Spool> spool(new Spool(files));
  if (auto locked = spool->take_lock(root->get()); !locked) return fail(locked);
  for (const auto folder : {Folder::queue, Folder::hold, Folder::corrupt}) {
    if (auto opened = spool->open_folder(root->get(), folder); !opened) return fail(opened);
  }
  return spool;
}

Result<> Spool::take_lock(int spool) {
  auto lock = files_.open(spool, "lock", O_RDWR | O_CREAT | O_NOFOLLOW);
  if (!lock) return fail(lock);
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno == EWOULDBLOCK) return fail(Kind::permanent, "another queued uses this spool");
    return fail_errno("flock lock", errno);
  }
  lock_ = std::move(*lock);
  return {};
}

Result<> Spool::open_folder(int spool, Folder folder) {
  const std::string name = folder_names[static_cast<std::size_t>(folder)];
  const auto made = files_.make_directory(spool, name, 0700);
  if (!made && made.error().errno_value != EEXIST) return made;
  auto fd = files_.open(spool, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return fail(fd);
  const auto status = files_.status(fd->get());
  if (!status) return fail(status);
  if (status->st_uid != ::geteuid()) {
    return fail(Kind::permanent, "the spool folder " + name + "/ belongs to uid " + std::to_string(status->st_uid) +
                                     ": chown it to uid " + std::to_string(::geteuid()));
  }
  if ((status->st_mode & 077) != 0 && ::fchmod(fd->get(), 0700) < 0) return fail_errno("chmod " + name, errno);
  if (made) {
    if (auto synced = files_.sync(spool); !synced) return synced;
  }
  folders_[static_cast<std::size_t>(folder)] = std::move(*fd);
  return {};
}

Result<> Spool::has_space(std::uint64_t octets) const {
  if (octets == 0) return {};
  struct statvfs status{};
  if (::fstatvfs(directory(Folder::queue), &status) < 0) return fail_errno("statvfs", errno);
  const auto free = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (free < octets) return fail(Kind::temporary, "only " + std::to_string(free) + " octets are free (queue_minfree)");
  return {};
}

Spool::~Spool() {
  if (folders_[0]) spares_.clear(directory(Folder::queue));
}

Result<Fd> Spool::new_file(const std::string& queue_id) {
  if (auto spare = spares_.take(directory(Folder::queue), queue_id)) return std::move(*spare);
  return files_.open(directory(Folder::queue), queue_id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
}

Result<std::vector<NewSlot>> Spool::make_slots(std::span<const std::string> queue_ids) {
  std::vector<NewSlot> slots;
  const auto make = [&]() -> Result<> {
    for (const auto& queue_id : queue_ids) {
      auto file = new_file(queue_id);
      if (!file) return fail(file);
      slots.push_back({queue_id, std::move(*file)});
    }
    return files_.sync(directory(Folder::queue));
  };
  if (auto made = make(); !made) {
    for (const auto& slot : slots) (void)files_.unlink(directory(Folder::queue), slot.queue_id);
    return fail(made);
  }
  return slots;
}

Result<Loaded> Spool::commit(const std::string& queue_id) {
  const InHand noted(queue_id);
  auto file = files_.open(directory(Folder::queue), queue_id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return fail(file);
  const auto status = files_.status(file->get());
  if (!status) return fail(status);
  if (auto plain = is_plain(*status); !plain) return fail(plain);
  // In this order: once nobody can write any more, what is read stays.
  if (auto closed = nobody_writes(file->get()); !closed) return fail(closed);
  FileOctets octets(files_, file->get(), static_cast<std::uint64_t>(status->st_size));
  auto message = queue::load(octets);
  if (!message) return fail(message);
  if (message->log_end != message->header.end_offset() + end_record_octets) {
    return fail(Kind::corrupt, "it came with a log of deliveries");
  }
  return Loaded{std::move(*file), std::move(*message)};
}

Result<Loaded> Spool::load(Folder folder, const std::string& queue_id, bool verified) {
  const InHand noted(queue_id);
  auto file = files_.open(directory(folder), queue_id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return fail(file);
  const auto status = files_.status(file->get());
  if (!status) return fail(status);
  if (auto plain = is_plain(*status); !plain) return fail(plain);
  if (status->st_size == 0) return std::unexpected(Error{Kind::closed, "a slot that was not used", ENODATA});
  // Before a message of an earlier time is taken up: an smtpd whose door broke may still have it, and will say 451.
  if (auto closed = verified ? nobody_writes(file->get()) : Result<>(); !closed) return fail(closed);
  FileOctets octets(files_, file->get(), static_cast<std::uint64_t>(status->st_size));
  auto message = queue::load(octets);
  if (!message) return fail(message);
  if (verified) {
    if (auto sound = verify(octets, *message); !sound) return fail(sound);
  }
  return Loaded{std::move(*file), std::move(*message)};
}

Result<> Spool::write(const std::string& queue_id, std::string_view octets) {
  const int folder = directory(Folder::queue);
  if (const auto there = load(Folder::queue, queue_id, true); there) {
    // Whoever wrote it may have died before its sync.
    if (auto synced = files_.sync(there->file.get()); !synced) return synced;
    return files_.sync(folder);
  }
  const auto removed = files_.unlink(folder, queue_id);  // the rest of a write that a crash broke off
  if (!removed && removed.error().errno_value != ENOENT) return removed;
  auto file = files_.open(folder, queue_id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  if (!file) return fail(file);
  const auto store = [&]() -> Result<> {
    if (auto written = files_.write(file->get(), octets); !written) return written;
    if (auto synced = files_.sync(file->get()); !synced) return synced;
    return files_.sync(folder);
  };
  auto stored = store();
  if (!stored) (void)files_.unlink(folder, queue_id);
  return stored;
}

Result<std::uint64_t> Spool::append(const std::string& queue_id, std::uint64_t log_end, std::string_view records,
                                    bool synced) {
  auto file = files_.open(directory(Folder::queue), queue_id, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return fail(file);
  const auto status = files_.status(file->get());
  if (!status) return fail(status);
  // Octets of a torn record must not come to life behind a shorter new one.
  if (static_cast<std::uint64_t>(status->st_size) > log_end) {
    if (auto cut = files_.truncate(file->get(), log_end); !cut) return fail(cut);
  }
  if (auto written = files_.write_at(file->get(), records, log_end); !written) return fail(written);
  if (synced) {
    if (auto safe = files_.sync(file->get()); !safe) return fail(safe);
  }
  return log_end + records.size();
}

Result<> Spool::finish(const std::string& queue_id) {
  if (spares_.keep(directory(Folder::queue), queue_id)) return {};
  return remove(Folder::queue, std::array{queue_id});
}

Result<> Spool::remove(Folder folder, std::span<const std::string> queue_ids) {
  Result<> first;
  for (const auto& queue_id : queue_ids) {
    auto removed = files_.unlink(directory(folder), queue_id);
    if (!removed && removed.error().errno_value != ENOENT && first) first = std::move(removed);
  }
  return first;
}

Result<> Spool::move(const std::string& queue_id, Folder from, Folder to) {
  if (files_.status_at(directory(to), queue_id)) return fail(Kind::permanent, "there is another message of this name");
  if (auto moved = files_.rename(directory(from), queue_id, directory(to), queue_id); !moved) return moved;
  if (auto synced = files_.sync(directory(to)); !synced) return synced;
  return files_.sync(directory(from));
}

Result<std::vector<std::string>> Spool::list(Folder folder, std::size_t& strangers) {
  auto names = files_.list(directory(folder), ".");
  if (!names) return names;
  const auto found = names->size();
  std::erase_if(*names, [](const std::string& name) { return !is_queue_id(name); });
  strangers = found - names->size();
  return names;
}

Result<std::vector<FoundFile>> Spool::list_corrupt() {
  const int corrupt = directory(Folder::corrupt);
  auto names = files_.list(corrupt, ".");
  if (!names) return fail(names);
  std::ranges::sort(*names);
  std::vector<FoundFile> found;
  for (auto& name : *names) {
    const auto status = files_.status_at(corrupt, name);
    if (!status || !S_ISREG(status->st_mode)) continue;
    found.push_back({std::move(name), static_cast<std::uint64_t>(status->st_size), status->st_mtime});
  }
  return found;
}

}  // namespace facteur::queue
