// A folder of the test with an mbox, and a dotlockfile that does what it is told.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace facteur::run {

struct Fake {
  std::string folder = [] {
    char name[] = "/tmp/facteur-run-XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  std::string mbox = folder + "/mbox";
  std::string lock = mbox + ".lock";
  std::string program = folder + "/dotlockfile";

  Fake() {
    act(R"(case $1 in
-l) (set -C; echo $PPID >"$5") 2>/dev/null || exit 4 ;;
-u) rm -f "$2" ;;
esac)");
  }
  Fake(const Fake&) = delete;
  Fake& operator=(const Fake&) = delete;
  ~Fake() { std::filesystem::remove_all(folder); }

  /// From now on the program notes its arguments, then does this.
  void act(const std::string& script) const {
    write(program + ".new", "#!/bin/sh\necho \"$@\" >>" + folder + "/calls\n" + script + "\n");
    ::chmod((program + ".new").c_str(), 0755);
    std::filesystem::rename(program + ".new", program);
  }
  [[nodiscard]] static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static void write(const std::string& path, std::string_view octets) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << octets;
  }
  /// What the program was called with, since the last question.
  [[nodiscard]] std::string calls() const {
    auto out = read(folder + "/calls");
    std::filesystem::remove(folder + "/calls");
    return out;
  }
  [[nodiscard]] bool locked() const { return std::filesystem::exists(lock); }
};

}  // namespace facteur::run
