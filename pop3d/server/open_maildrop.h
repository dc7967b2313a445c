// Opening the inbox of an account for one POP3 session.
#pragma once

#include <memory>

#include "auth/doors.h"
#include "common/store/mbox/lock.h"
#include "config/settings.h"
#include "pop3d/session/session.h"

namespace facteur::pop3d {

/// What a session opens its maildrop with: takes the lock, then the account's INBOX. Everything is copied. `keeper`:
/// login::WorkerProgram::keeper().
[[nodiscard]] Opener open_maildrop(const auth::Account& account, const config::Settings& settings, bool suspect,
                                   std::shared_ptr<store::DotlockKeeper> keeper);

}  // namespace facteur::pop3d
