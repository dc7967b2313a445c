#include "cli/session.h"

#include <cstdio>
#include <sysexits.h>

#include "cli/commands.h"
#include "config/load.h"

namespace facteur::cli {

int complain(int code, const std::string& why) {
  std::fprintf(stderr, "facteur: %s\n", why.c_str());
  return code;
}

int with_settings(const std::string& config_file, const std::function<int(const config::Settings&)>& command) {
  const auto settings = config::load(config::settings_path(config_file));
  if (!settings) return complain(EX_CONFIG, settings.error().text);
  return command(*settings);
}

int ask(const config::Settings& settings, const std::string& verb, const std::vector<std::string>& arguments,
        const AnswerHandlers& handlers) {
  const auto outcome = request(settings, verb, arguments, handlers);
  if (!outcome) return complain(EX_TEMPFAIL, outcome.error().text);
  if (outcome->exit_code != EX_OK && !outcome->text.empty()) return complain(outcome->exit_code, outcome->text);
  return outcome->exit_code;
}

}  // namespace facteur::cli
