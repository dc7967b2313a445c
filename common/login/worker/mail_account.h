// From an account that master names to its mailboxes.
#pragma once

#include <memory>

#include "auth/doors.h"
#include "common/base/result.h"
#include "common/store/mailbox.h"
#include "config/settings.h"

namespace facteur::login {

/// Opens the mailboxes of an account where its `mail` says. Blocks on files. Kind::permanent for a place that is none.
[[nodiscard]] Result<std::unique_ptr<store::Account>> open_account(const auth::Account& account,
                                                                   const config::Settings& settings);

}  // namespace facteur::login
