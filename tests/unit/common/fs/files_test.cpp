#include "common/fs/files.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <unistd.h>

#include "catch.h"
#include "folder.h"

using namespace facteur;

namespace {

using test::Folder;

/// Fails the n-th call of one kind.
struct Broken : fs::Files {
  int syncs_before_failure = 0;
  Result<> sync(int fd) override {
    if (syncs_before_failure-- == 0) return fail_errno("fsync", EIO);
    return Files::sync(fd);
  }
};

}  // namespace

TEST_CASE("a replaced file is the old or the new one, and the rest of a failure is cleared away") {
  const Folder folder;
  const std::string path = folder.path + "/settings";
  REQUIRE(fs::replace_file(path, "old", 0640));
  for (const int sync : {0}) {
    Broken broken;
    broken.syncs_before_failure = sync;
    const auto replaced = fs::replace_file(path, "new", 0640, broken);
    REQUIRE_FALSE(replaced);
    CHECK(replaced.error().errno_value == EIO);
    CHECK(fs::read_file(path) == "old");
    CHECK(fs::system_files().list(AT_FDCWD, folder.path)->size() == 1);
  }
  REQUIRE(fs::replace_file(path, "new", 0640));
  CHECK(fs::read_file(path) == "new");
}

TEST_CASE("errors name the call and the path") {
  const auto opened = fs::system_files().open(AT_FDCWD, "/nonexistent/x\n", O_RDONLY);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().text == "open /nonexistent/x\\n: No such file or directory");
  CHECK(opened.error().errno_value == ENOENT);
}

TEST_CASE("sealed memory is read back, other memory is refused") {
  const auto sealed = fs::sealed_memory("table", "octets");
  REQUIRE(sealed);
  CHECK(fs::read_sealed(sealed->get()) == "octets");
  CHECK(::write(sealed->get(), "x", 1) < 0);
  const Fd open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CHECK(fs::read_sealed(open.get()).error().kind == Kind::corrupt);
}

TEST_CASE("a file beyond its bound is refused, directories are made whole") {
  const Folder folder;
  REQUIRE(fs::make_directories(folder.path + "/a/b/c", 0755));
  REQUIRE(fs::make_directories(folder.path + "/a/b/c", 0755));
  REQUIRE(fs::replace_file(folder.path + "/a/b/c/file", "12345", 0600));
  CHECK(fs::read_file(folder.path + "/a/b/c/file", 5) == "12345");
  CHECK(fs::read_file(folder.path + "/a/b/c/file", 4).error().kind == Kind::permanent);
}

TEST_CASE("a file is read to its end, a pipe too, and not beyond its bound") {
  const Folder folder;
  const std::string big(200'000, 'x');
  REQUIRE(fs::replace_file(folder.path + "/big", big, 0600));
  CHECK(fs::read_file(folder.path + "/big") == big);
  CHECK(fs::read_file(folder.path + "/big", big.size()) == big);
  CHECK_FALSE(fs::read_file(folder.path + "/big", big.size() - 1));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  REQUIRE(fs::system_files().write(writer.get(), "secret\n"));
  writer.reset();
  CHECK(fs::read_file("/dev/fd/" + std::to_string(reader.get())) == "secret\n");
}
