// facteurd: starts the processes of Facteur, keeps them, and ends them.
//
// SECURITY: the only program that runs as root. It reads its settings, binds, spawns, and passes descriptors; nothing
// that came from the network is parsed here. Which uid a worker gets is decided in workers.cpp and users.cpp alone.
// STANDARDS: sysexits(3); sd_notify(3).
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <system_error>
#include <unistd.h>

#include "common/base/fd.h"
#include "config/load.h"
#include "master/master.h"
#include "master/spawn.h"

namespace {

/// The processes inherit this descriptor: who took over one of them reads no terminal of ours by it. A descriptor that
/// cannot be opened anew (a socket) stays as it is.
void write_only(int descriptor) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const facteur::Fd again(::open(path.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC));
  if (again) ::dup2(again.get(), descriptor);
}

/// Descriptors that each process must be allowed: with fewer a handful of clients leaves the queue without.
constexpr rlim_t least_descriptors = 256;

bool may_open_enough() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max >= least_descriptors) return true;
  std::fprintf(stderr,
               "facteurd: %llu files may be open at once, and it needs %llu: raise the hard limit (ulimit -Hn)\n",
               static_cast<unsigned long long>(limit.rlim_max), static_cast<unsigned long long>(least_descriptors));
  return false;
}

int serve(int argc, char** argv) {
  CLI::App app("facteurd: the master process of Facteur");
  std::string config;
  app.add_option("--config", config, "the settings file (or FACTEUR_CONFIG)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EX_OK : EX_USAGE;  // --help ends here too
  }
  write_only(STDERR_FILENO);
  if (!may_open_enough()) return EX_OSERR;
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  // Nobody's folder is held by a process that lives for months. The settings are read again at each reload.
  std::error_code error;
  config = std::filesystem::absolute(facteur::config::settings_path(config), error).string();
  if (error || ::chdir("/") < 0) {
    std::fputs("facteurd: the current folder cannot be used; name the settings by --config /PATH\n", stderr);
    return EX_OSFILE;
  }
  facteur::master::Master master(config, facteur::master::own_folder());
  return master.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return serve(argc, argv);
  } catch (const std::exception& error) {  // of CLI11, or no memory
    std::fprintf(stderr, "facteurd: %s\n", error.what());
    return EX_SOFTWARE;
  }
}
