// Names of users to numbers, and which numbers a worker may have.
#pragma once

#include <string>

#include "auth/doors.h"
#include "common/base/result.h"
#include "config/settings.h"
#include "master/programs.h"

namespace facteur::master {

/// The uid of a setting's value: a name of passwd, or a number (which is its own group).
[[nodiscard]] Result<User> find_user(const std::string& name);

/// Whether a worker may be started for this account, whoever asks: never uid 0, nor one below first_valid_uid, nor one
/// of ours; a virtual mailbox lies below virtual_mail_root; without root only our own uid. Kind::permanent says why
/// not.
[[nodiscard]] Result<> check_account(const auth::Account& account, const config::Settings& settings, bool real_root);

}  // namespace facteur::master
