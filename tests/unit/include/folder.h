// A folder of one test, gone with it.
#pragma once

#include <filesystem>
#include <stdlib.h>
#include <string>

namespace facteur::test {

struct Folder {
  std::string path = [] {
    char name[] = "/tmp/facteur-test-XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  Folder() = default;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace facteur::test
