// Reads everything that says who is who and where mail leads, and compiles it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/accounts.h"
#include "common/base/result.h"
#include "common/route/tables.h"
#include "config/settings.h"

namespace facteur::auth {

/// One state of all tables.
struct Compiled {
  route::Tables tables;
  std::shared_ptr<const Accounts> accounts;
  std::vector<std::string> problems;  ///< "file:line: what"; single entries that cannot be used
  std::vector<std::string> files;     ///< that were there, and not empty
};

/// Reads the files that the settings name. An error, with all its reasons a line each, when one cannot be read as a
/// whole: the state before is then the better one. An aliases file need not exist, but one of `had` must not go, nor
/// become empty: somebody is writing it. Blocks.
[[nodiscard]] Result<Compiled> compile(const config::Settings& settings, const Powers& powers, Passwd& passwd,
                                       const std::vector<std::string>& had = {});

/// The same, but what cannot be read counts as empty and is told in `problems`: for a first start. Without its users
/// file nobody is unknown: who is not found may be in it.
[[nodiscard]] Compiled compile_what_is_there(const config::Settings& settings, const Powers& powers, Passwd& passwd);

/// Every file that compile() reads.
[[nodiscard]] std::vector<std::string> source_files(const config::Settings& settings);

}  // namespace facteur::auth
