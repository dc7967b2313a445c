// facteur queue, mailq: what waits. The listing is written by queued, in the form of Postfix's mailq(1).
#include <cstdio>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "common/fs/files.h"
#include "queue/format/reader.h"

namespace facteur::cli {
namespace {

constexpr std::size_t piece = 65536;

void print_text(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

/// The message as it is delivered, out of its queue file.
int copy_to_stdout(const Fd& file) {
  const auto content = queue::Content::open(fs::system_files(), file.get());
  if (!content) return complain(EX_DATAERR, content.error().text);
  for (std::uint64_t offset = 0; offset < content->size();) {
    const auto octets = content->read(offset, piece);
    if (!octets) return complain(EX_IOERR, octets.error().text);
    std::fwrite(octets->data(), 1, octets->size(), stdout);
    offset += octets->size();
  }
  return EX_OK;
}

}  // namespace

int queue_list(const std::string& config_file) {
  return with_settings(config_file, [](const config::Settings& settings) {
    return ask(settings, "queue list", {}, {.text = print_text, .file = {}});
  });
}

int queue_show(const std::string& config_file, const std::string& queue_id) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    int copied = EX_OK;
    const int code = ask(settings, "queue show", {queue_id},
                         {.text = print_text, .file = [&](const Fd& file) { copied = copy_to_stdout(file); }});
    return code != EX_OK ? code : copied;
  });
}

int queue_request(const std::string& config_file, const std::string& verb, const std::vector<std::string>& arguments) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    return ask(settings, verb, arguments, {.text = print_text, .file = {}});
  });
}

}  // namespace facteur::cli
