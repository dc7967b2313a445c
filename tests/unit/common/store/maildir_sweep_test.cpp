#include "catch.h"
#include "common/store/maildir/sweep.h"
#include "disk.h"

using namespace facteur;
using namespace facteur::store;

namespace {

/// Files look this much older than they are.
struct Aged : fs::Files {
  Seconds by{0};
  Result<struct stat> status_at(int directory, const std::string& path) override {
    auto status = Files::status_at(directory, path);
    if (status && path.starts_with("old")) {
      for (auto* time : {&status->st_atim, &status->st_mtim, &status->st_ctim}) time->tv_sec -= by.count();
    }
    if (status && path == "old-but-read") status->st_atim.tv_sec += by.count();
    return status;
  }
};

}  // namespace

TEST_CASE("MDR-06: old files leave tmp/, live ones stay, and a clock that jumps removes nothing") {
  const Folder folder;
  const Fd tmp(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Aged files;
  files.by = Seconds{37 * 3600};
  for (const char* name : {"/old", "/old-but-read", "/fresh"}) write(folder.path + name, "x");
  std::filesystem::create_directory(folder.path + "/old-directory");
  CHECK(sweep_tmp(tmp.get(), fs::system_files()) == 0);
  CHECK(sweep_tmp(tmp.get(), files, wall_now() + Seconds{48 * 3600}) == 0);
  CHECK(sweep_tmp(tmp.get(), files, wall_now() - Seconds{48 * 3600}) == 0);
  CHECK(sweep_tmp(tmp.get(), files) == 1);
  CHECK_FALSE(std::filesystem::exists(folder.path + "/old"));
  CHECK(std::filesystem::exists(folder.path + "/old-but-read"));
  CHECK(std::filesystem::exists(folder.path + "/fresh"));
}
