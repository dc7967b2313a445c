#include "common/fs/files.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/strings.h"

namespace facteur::fs {
namespace {

/// Calls again what a signal interrupted.
template <class Call>
auto retry(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

std::unexpected<Error> failed(std::string_view call, std::string_view path) {
  const int number = errno;
  return fail_errno(std::string(call) + " " + printable(path), number);
}

Result<> done(int result, std::string_view call, std::string_view path) {
  if (result < 0) return failed(call, path);
  return {};
}

}  // namespace

Result<Fd> Files::open(int directory, const std::string& path, int flags, mode_t mode) {
  Fd fd(retry([&] { return ::openat(directory, path.c_str(), flags | O_CLOEXEC, mode); }));
  if (!fd) return failed("open", path);
  return fd;
}

Result<> Files::write(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const auto count = retry([&] { return ::write(fd, octets.data(), octets.size()); });
    if (count <= 0) return failed("write", "to descriptor " + std::to_string(fd));
    octets.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<> Files::write_at(int fd, std::string_view octets, std::uint64_t offset) {
  while (!octets.empty()) {
    const auto count = retry([&] { return ::pwrite(fd, octets.data(), octets.size(), static_cast<off_t>(offset)); });
    if (count <= 0) return failed("pwrite", "to descriptor " + std::to_string(fd));
    octets.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::string> Files::read_at(int fd, std::uint64_t offset, std::size_t most) {
  std::string out(most, '\0');
  std::size_t filled = 0;
  while (filled < most) {
    const auto count =
        retry([&] { return ::pread(fd, out.data() + filled, most - filled, static_cast<off_t>(offset + filled)); });
    if (count < 0) return failed("pread", "from descriptor " + std::to_string(fd));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  out.resize(filled);
  return out;
}

Result<> Files::sync(int fd) {
  return done(retry([&] { return ::fsync(fd); }), "fsync", "descriptor " + std::to_string(fd));
}

Result<> Files::sync_file_system(int fd) {
  return done(retry([&] { return ::syncfs(fd); }), "syncfs", "descriptor " + std::to_string(fd));
}

Result<> Files::truncate(int fd, std::uint64_t size) {
  return done(retry([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }), "ftruncate",
              "descriptor " + std::to_string(fd));
}

Result<> Files::set_time(int fd, std::int64_t seconds) {
  const timespec times[2] = {{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
  return done(::futimens(fd, times), "futimens", "descriptor " + std::to_string(fd));
}

Result<> Files::rename(int from_directory, const std::string& from, int to_directory, const std::string& to) {
  return done(::renameat(from_directory, from.c_str(), to_directory, to.c_str()), "rename", from + " to " + to);
}

Result<> Files::link(int from_directory, const std::string& from, int to_directory, const std::string& to) {
  return done(::linkat(from_directory, from.c_str(), to_directory, to.c_str(), 0), "link", from + " to " + to);
}

Result<> Files::unlink(int directory, const std::string& path) {
  return done(::unlinkat(directory, path.c_str(), 0), "unlink", path);
}

Result<> Files::make_directory(int directory, const std::string& path, mode_t mode) {
  return done(::mkdirat(directory, path.c_str(), mode), "mkdir", path);
}

Result<> Files::remove_directory(int directory, const std::string& path) {
  return done(::unlinkat(directory, path.c_str(), AT_REMOVEDIR), "rmdir", path);
}

Result<struct stat> Files::status(int fd) {
  struct stat out{};
  if (::fstat(fd, &out) < 0) return failed("fstat", "descriptor " + std::to_string(fd));
  return out;
}

Result<struct stat> Files::status_at(int directory, const std::string& path) {
  struct stat out{};
  if (::fstatat(directory, path.c_str(), &out, AT_SYMLINK_NOFOLLOW) < 0) return failed("stat", path);
  return out;
}

Result<std::vector<std::string>> Files::list(int directory, const std::string& path) {
  Fd fd(retry([&] { return ::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd) return failed("open", path);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), ::closedir);
  if (!stream) return failed("opendir", path);
  (void)fd.release();  // the stream owns it
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failed("readdir", path);
  return names;
}

Files& system_files() {
  static Files files;
  return files;
}

Result<std::string> read_file(const std::string& path, std::size_t most) {
  constexpr std::size_t piece = 65536;
  const auto fd = system_files().open(AT_FDCWD, path, O_RDONLY);
  if (!fd) return fail(fd);
  // Read to the end, not by its size: a pipe has none, and a file may grow meanwhile.
  std::string octets;
  for (;;) {
    const auto filled = octets.size();
    octets.resize(filled + piece);
    const auto count = retry([&] { return ::read(fd->get(), octets.data() + filled, piece); });
    if (count < 0) return failed("read", path);
    octets.resize(filled + static_cast<std::size_t>(count));
    if (count == 0) return octets;
    if (octets.size() > most) return fail(Kind::permanent, printable(path) + " is too large");
  }
}

Result<> replace_file(const std::string& path, std::string_view octets, mode_t mode, Files& files) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string temporary = path + ".new";
  const auto write = [&]() -> Result<> {
    auto fd = files.open(AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
    if (!fd) return fail(fd);
    if (auto written = files.write(fd->get(), octets); !written) return written;
    if (auto synced = files.sync(fd->get()); !synced) return synced;
    if (auto renamed = files.rename(AT_FDCWD, temporary, AT_FDCWD, path); !renamed) return renamed;
    auto directory = files.open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
    if (!directory) return fail(directory);
    return files.sync(directory->get());
  };
  auto written = write();
  if (!written) (void)files.unlink(AT_FDCWD, temporary);  // the error that counts is the first
  return written;
}

Result<> make_directories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return failed("mkdir", path);
  for (std::size_t end = 1; end != std::string::npos && !path.empty();) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) < 0 && errno != EEXIST) return failed("mkdir", part);
  }
  return {};
}

Result<Fd> sealed_memory(const std::string& name, std::string_view octets) {
  Fd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return failed("memfd_create", name);
  if (auto written = system_files().write(fd.get(), octets); !written) return fail(written);
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    return failed("seal", name);
  }
  return fd;
}

Result<std::string> read_sealed(int fd, std::size_t most) {
  constexpr int wanted = F_SEAL_WRITE | F_SEAL_SHRINK;
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & wanted) != wanted) return fail(Kind::corrupt, "a table came in memory that is not sealed");
  const auto status = system_files().status(fd);
  if (!status) return fail(status);
  const auto size = static_cast<std::size_t>(status->st_size);
  if (size > most) return fail(Kind::permanent, "a table of " + std::to_string(size) + " octets is too large");
  return system_files().read_at(fd, 0, size);
}

}  // namespace facteur::fs
