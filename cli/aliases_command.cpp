// newaliases: Facteur compiles no table to disk, so this checks the files and has authd read them now.
#include <cstdio>
#include <fmt/format.h>
#include <sysexits.h>

#include "auth/check.h"
#include "auth/passwd.h"
#include "auth/sources.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "common/fs/files.h"
#include "common/process/jail.h"
#include "common/route/aliases_file.h"
#include "common/route/loops.h"

namespace facteur::cli {

int new_aliases(const std::string& config_file) {
  return with_settings(config_file, [](const config::Settings& settings) {
    std::size_t entries = 0;
    int code = EX_OK;
    for (const auto& path : settings.aliases) {
      const auto text = fs::read_file(path);
      if (!text) {
        code = complain(EX_NOINPUT, text.error().text);
        continue;
      }
      const auto file = route::parse_aliases(*text, path);
      entries += file.entries.size();
      for (const auto& problem : file.problems) code = complain(EX_DATAERR, problem.what());
    }
    auth::Passwd passwd;
    const auto compiled = auth::compile_what_is_there(settings, auth::own_powers(process::is_real_root()), passwd);
    for (const auto& loop : route::find_loops(compiled.tables)) {
      code = complain(EX_DATAERR, fmt::format("{}:{}: {}", loop.file, loop.line, loop.what()));
    }
    if (code != EX_OK) return code;
    const int told = ask(settings, "tables", {settings.queue_directory}, {});
    if (told == EX_OK) std::printf("%zu aliases\n", entries);
    return told;
  });
}

}  // namespace facteur::cli
