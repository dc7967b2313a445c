// facteur log: the lines of the log file, all or those of one message.
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "common/base/line_buffer.h"
#include "common/fs/files.h"

namespace facteur::cli {
namespace {

constexpr std::size_t piece = 65536;
constexpr unsigned follow_pause_us = 200000;

/// The file that holds the log, by the setting; empty where there is none.
std::string file_of(const config::Settings& settings) {
  if (settings.log.starts_with('/')) return settings.log;
  for (const char* path : {"/var/log/mail.log", "/var/log/syslog"}) {
    if (settings.log == "syslog" && std::filesystem::exists(path)) return path;
  }
  return {};
}

int print(int fd, const std::string& filter, bool follow) {
  LineBuffer buffer;
  std::uint64_t offset = 0;
  for (;;) {
    const auto octets = fs::system_files().read_at(fd, offset, piece);
    if (!octets) return complain(EX_IOERR, octets.error().text);
    offset += octets->size();
    buffer.append(*octets);
    while (const auto line = buffer.next_line()) {
      if (line->find(filter) == std::string_view::npos) continue;
      std::fwrite(line->data(), 1, line->size(), stdout);
      std::fputc('\n', stdout);
    }
    if (!octets->empty()) continue;
    if (!follow) return EX_OK;
    std::fflush(stdout);
    ::usleep(follow_pause_us);
  }
}

}  // namespace

int show_log(const std::string& config_file, const std::string& filter, bool follow) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    const std::string path = file_of(settings);
    if (path.empty()) {
      return complain(EX_UNAVAILABLE, "the log goes to " + settings.log +
                                          "; see it with: journalctl -t facteur -t facteurd" +
                                          (filter.empty() ? "" : " | grep " + filter));
    }
    const auto file = fs::system_files().open(AT_FDCWD, path, O_RDONLY);
    if (!file) return complain(EX_NOINPUT, file.error().text);
    return print(file->get(), filter, follow);
  });
}

}  // namespace facteur::cli
