// From an account that master names to its mailboxes.
#pragma once

#include <memory>

#include "auth/doors.h"
#include "common/base/result.h"
#include "common/store/location.h"
#include "config/settings.h"

namespace facteur::login {

/// Where the mail of an account is, as far as it is there: what is missing is made. Blocks on files. Kind::permanent
/// for a place that is none.
[[nodiscard]] Result<store::Location> locate(const auth::Account& account, const config::Settings& settings);
/// Opens the mailboxes at that place. `suspect` (master::Session): without an index, and the one that is there goes: it
/// is the only file of ours that is mapped, and what damage of it does no check of ours can tell. `keeper`:
/// WorkerProgram::keeper().
[[nodiscard]] Result<std::unique_ptr<store::Account>> open_account(const store::Location& location,
                                                                   const config::Settings& settings, bool suspect,
                                                                   std::shared_ptr<store::DotlockKeeper> keeper);
/// Both in one.
[[nodiscard]] Result<std::unique_ptr<store::Account>> open_account(const auth::Account& account,
                                                                   const config::Settings& settings, bool suspect,
                                                                   std::shared_ptr<store::DotlockKeeper> keeper);

}  // namespace facteur::login
