// `facteur config check`: what the settings name is read and looked at, before anything starts.
#pragma once

#include <string>
#include <vector>

#include "auth/accounts.h"
#include "auth/passwd.h"
#include "config/load.h"

namespace facteur::auth {

/// Everything that would go wrong with these settings, a line each with its place ("facteur.yaml:3:1: ..."): settings
/// that do not fit together, certificate and key, users of the system that are not there, the users file, aliases.
/// Empty if all is well. `powers` is what the stack will run with.
[[nodiscard]] std::vector<std::string> check_settings(const config::Loaded& loaded, const Powers& powers,
                                                      Passwd& passwd);

/// Those of them with which facteurd neither starts nor goes on at a reload (config::check_alone).
[[nodiscard]] std::vector<std::string> refused_settings(const config::Loaded& loaded, const Powers& powers,
                                                        Passwd& passwd);

/// What this process could run the stack with; `real_root` as process::is_real_root() says.
[[nodiscard]] Powers own_powers(bool real_root);

}  // namespace facteur::auth
