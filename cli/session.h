// What most subcommands begin with: the settings, and one request.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/control_client.h"
#include "config/settings.h"

namespace facteur::cli {

/// Loads the settings and runs `command` with them; complains, with EX_CONFIG, if they are bad.
[[nodiscard]] int with_settings(const std::string& config_file,
                                const std::function<int(const config::Settings&)>& command);

/// One request, complained about if it fails; gives the exit code.
[[nodiscard]] int ask(const config::Settings& settings, const std::string& verb,
                      const std::vector<std::string>& arguments, const AnswerHandlers& handlers);

}  // namespace facteur::cli
