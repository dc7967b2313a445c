// facteur config check, show and describe.
#include <cstdio>
#include <sysexits.h>

#include "auth/check.h"
#include "auth/passwd.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "common/process/jail.h"
#include "config/describe.h"
#include "config/load.h"

namespace facteur::cli {
int config_check(const std::string& config_file) {
  const std::string path = config::settings_path(config_file);
  const auto loaded = config::load_files({path}, {});
  if (!loaded) return complain(EX_CONFIG, loaded.error().text);
  auth::Passwd passwd;
  const auto problems = auth::check_settings(*loaded, auth::own_powers(process::is_real_root()), passwd);
  for (const auto& problem : problems) std::fprintf(stderr, "facteur: %s\n", problem.c_str());
  if (!problems.empty()) return EX_CONFIG;
  std::printf("%s: no problem found\n", path.c_str());
  return EX_OK;
}

int config_show(const std::string& config_file, bool all) {
  const auto loaded = config::load_files({config::settings_path(config_file)}, {});
  if (!loaded) return complain(EX_CONFIG, loaded.error().text);
  std::fputs(config::show(*loaded, all ? config::Which::all : config::Which::written).c_str(), stdout);
  return EX_OK;
}

int config_describe(const std::vector<std::string>& names) {
  if (names.empty()) {
    std::fputs(config::sample().c_str(), stdout);
    return EX_OK;
  }
  int code = EX_OK;
  for (const auto& name : names) {
    const auto described = config::describe(name);
    if (described) {
      std::fputs(described->c_str(), stdout);
    } else {
      code = complain(EX_USAGE, described.error().text);
    }
  }
  return code;
}

}  // namespace facteur::cli
