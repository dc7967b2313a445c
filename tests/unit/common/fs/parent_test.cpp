#include "common/fs/parent.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include "catch.h"
#include "folder.h"

using namespace facteur;

namespace {

using test::Folder;

ino_t inode(int fd) {
  const auto status = fs::system_files().status(fd);
  return status ? status->st_ino : 0;
}

/// Notes what is synced; each of the three calls fails with its errno, if it has one.
struct Watched : fs::Files {
  int open_error = 0, sync_error = 0, file_system_error = 0;
  std::vector<ino_t> synced;      ///< inodes
  std::vector<int> file_systems;  ///< descriptors

  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    if (open_error != 0) return fail_errno("open " + path, open_error);
    return Files::open(directory, path, flags, mode);
  }
  Result<> sync(int fd) override {
    if (sync_error != 0) return fail_errno("fsync", sync_error);
    synced.push_back(inode(fd));
    return Files::sync(fd);
  }
  Result<> sync_file_system(int fd) override {
    if (file_system_error != 0) return fail_errno("syncfs", file_system_error);
    file_systems.push_back(fd);
    return Files::sync_file_system(fd);
  }
};

/// A folder in a folder, both open.
struct Nested {
  Folder folder;
  Fd outer, inner;

  Nested() {
    auto& files = fs::system_files();
    REQUIRE(files.make_directory(AT_FDCWD, folder.path + "/inner", 0700));
    outer = *files.open(AT_FDCWD, folder.path, O_RDONLY | O_DIRECTORY);
    inner = *files.open(AT_FDCWD, folder.path + "/inner", O_RDONLY | O_DIRECTORY);
  }
};

}  // namespace

TEST_CASE("the parent of a folder is synced, and nothing else") {
  const Nested nested;
  Watched files;
  REQUIRE(fs::sync_parent(nested.inner.get(), files));
  CHECK(files.synced == std::vector{inode(nested.outer.get())});
  CHECK(files.file_systems.empty());
}

TEST_CASE("a parent that is closed to us has its file system synced, through what is open") {
  const Nested nested;
  Watched files;
  files.open_error = EACCES;
  REQUIRE(fs::sync_parent(nested.inner.get(), files));
  CHECK(files.synced.empty());
  CHECK(files.file_systems == std::vector{nested.inner.get()});
  files.file_system_error = EIO;
  const auto broken = fs::sync_parent(nested.inner.get(), files);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().errno_value == EIO);
}

TEST_CASE("a parent that cannot be opened for any other reason is an error, and so is a sync that failed") {
  const Nested nested;
  for (const int error : {EPERM, ENOENT, EMFILE, EIO}) {
    Watched files;
    files.open_error = error;
    const auto synced = fs::sync_parent(nested.inner.get(), files);
    REQUIRE_FALSE(synced);
    CHECK(synced.error().errno_value == error);
    CHECK(files.file_systems.empty());
  }
  Watched files;
  files.sync_error = EIO;
  const auto synced = fs::sync_parent(nested.inner.get(), files);
  REQUIRE_FALSE(synced);
  CHECK(synced.error().errno_value == EIO);
  CHECK(files.file_systems.empty());  // after a failed sync nothing is tried again
}

TEST_CASE("the folder of a file is named by its path") {
  const Nested nested;
  const auto file = fs::system_files().open(nested.inner.get(), "mbox", O_WRONLY | O_CREAT);
  REQUIRE(file);
  Watched files;
  REQUIRE(fs::sync_folder(AT_FDCWD, nested.folder.path + "/inner", file->get(), files));
  CHECK(files.synced == std::vector{inode(nested.inner.get())});
  files.open_error = EACCES;
  REQUIRE(fs::sync_folder(AT_FDCWD, nested.folder.path + "/inner", file->get(), files));
  CHECK(files.file_systems == std::vector{file->get()});
}
