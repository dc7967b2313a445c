// A folder that goes at the end of a test, and files of which any operation can be made to fail.
#pragma once

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include "common/fs/files.h"
#include "folder.h"

namespace facteur::store {

using test::Folder;

inline std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write(const std::string& path, std::string_view octets) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << octets;
}

/// Makes a file one that was changed so many seconds ago; in the future if they are negative.
inline void set_age(const std::string& path, int seconds) {
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(seconds));
}

/// Does not wait for the disk: for tests that make many changes and no power cut.
struct UnsyncedFiles : fs::Files {
  Result<> sync(int) override { return {}; }
};

/// Fails the n-th operation that changes something (0 is the first), once or from then on. A write that fails leaves
/// half of its octets.
struct FaultyFiles : fs::Files {
  int fail_at = -1;
  bool for_ever = false;
  int errno_value = ENOSPC;
  int operations = 0;

  bool fails() {
    const int number = operations++;
    return fail_at >= 0 && (number == fail_at || (for_ever && number > fail_at));
  }
  [[nodiscard]] std::unexpected<Error> fault(std::string_view call) const { return fail_errno(call, errno_value); }

  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    if ((flags & O_CREAT) != 0 && fails()) return fault("open");
    return Files::open(directory, path, flags, mode);
  }
  Result<> write(int fd, std::string_view octets) override {
    if (!fails()) return Files::write(fd, octets);
    (void)Files::write(fd, octets.substr(0, octets.size() / 2));
    return fault("write");
  }
  Result<> write_at(int fd, std::string_view octets, std::uint64_t offset) override {
    if (!fails()) return Files::write_at(fd, octets, offset);
    (void)Files::write_at(fd, octets.substr(0, octets.size() / 2), offset);
    return fault("pwrite");
  }
  Result<> sync(int fd) override { return fails() ? Result<>(fault("fsync")) : Files::sync(fd); }
  Result<> truncate(int fd, std::uint64_t size) override {
    return fails() ? Result<>(fault("ftruncate")) : Files::truncate(fd, size);
  }
  Result<> rename(int from_directory, const std::string& from, int to_directory, const std::string& to) override {
    return fails() ? Result<>(fault("rename")) : Files::rename(from_directory, from, to_directory, to);
  }
  Result<> link(int from_directory, const std::string& from, int to_directory, const std::string& to) override {
    return fails() ? Result<>(fault("link")) : Files::link(from_directory, from, to_directory, to);
  }
  Result<> unlink(int directory, const std::string& path) override {
    return fails() ? Result<>(fault("unlink")) : Files::unlink(directory, path);
  }
  Result<> make_directory(int directory, const std::string& path, mode_t mode) override {
    return fails() ? Result<>(fault("mkdir")) : Files::make_directory(directory, path, mode);
  }
};

}  // namespace facteur::store
