// Durable file operations behind one interface, so that a test can make any of them fail. All calls block: in a server
// they run on the work pool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace facteur::fs {

/// The system calls on files that can fail. Paths are relative to `directory` (AT_FDCWD for the current one). Every
/// error is Kind::temporary and names the call and the path; interrupted calls and short writes are gone on with here.
class Files {
 public:
  virtual ~Files() = default;
  /// openat(2), close-on-exec.
  [[nodiscard]] virtual Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode = 0600);
  /// All of `octets` at the current position; write_at() at an offset.
  [[nodiscard]] virtual Result<> write(int fd, std::string_view octets);
  [[nodiscard]] virtual Result<> write_at(int fd, std::string_view octets, std::uint64_t offset);
  /// Up to `most` octets at `offset`; fewer only at the end of the file.
  [[nodiscard]] virtual Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t most);
  /// fsync(2) of a file or of a directory. After an error the file is lost: it must not be synced again (fsyncgate).
  [[nodiscard]] virtual Result<> sync(int fd);
  /// syncfs(2): all of the file system on which `fd` lies.
  [[nodiscard]] virtual Result<> sync_file_system(int fd);
  [[nodiscard]] virtual Result<> truncate(int fd, std::uint64_t size);
  /// Sets the times of last access and modification, seconds since 1970.
  [[nodiscard]] virtual Result<> set_time(int fd, std::int64_t seconds);
  [[nodiscard]] virtual Result<> rename(int from_directory, const std::string& from, int to_directory,
                                        const std::string& to);
  [[nodiscard]] virtual Result<> link(int from_directory, const std::string& from, int to_directory,
                                      const std::string& to);
  [[nodiscard]] virtual Result<> unlink(int directory, const std::string& path);
  [[nodiscard]] virtual Result<> make_directory(int directory, const std::string& path, mode_t mode);
  [[nodiscard]] virtual Result<> remove_directory(int directory, const std::string& path);
  [[nodiscard]] virtual Result<struct stat> status(int fd);
  /// fstatat(2) without following a link.
  [[nodiscard]] virtual Result<struct stat> status_at(int directory, const std::string& path);
  /// The names in a directory but "." and "..", in no order.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(int directory, const std::string& path);
};

/// The calls of the kernel.
[[nodiscard]] Files& system_files();

/// The whole of a file; Kind::permanent if it is larger than `most`.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t most = 64 << 20);
/// Replaces a file so that a crash leaves the old content or the new: temporary name, sync, rename, directory sync.
[[nodiscard]] Result<> replace_file(const std::string& path, std::string_view octets, mode_t mode,
                                    Files& files = system_files());
/// Makes a directory and its parents; what exists is left as it is.
[[nodiscard]] Result<> make_directories(const std::string& path, mode_t mode);
/// An anonymous file of these octets, sealed: nobody can change it any more (memfd_create(2)).
[[nodiscard]] Result<Fd> sealed_memory(const std::string& name, std::string_view octets);
/// The octets of such a file. Kind::corrupt if it is not sealed against writing and shrinking.
[[nodiscard]] Result<std::string> read_sealed(int fd, std::size_t most = 256 << 20);

}  // namespace facteur::fs
