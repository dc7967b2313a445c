// The mail of an account on disk: making it before the jail of its worker closes around it.
#pragma once

#include <string>
#include <vector>

#include "auth/doors.h"
#include "common/base/result.h"
#include "common/process/mail_place.h"
#include "common/process/role.h"
#include "config/settings.h"

namespace facteur::process {

/// Makes what is missing of an account's mail, with its owner and nobody else's rights: for a virtual account its home
/// below virtual_mail_root, then the Maildir's folder or the mbox file; and the folder of its index, if that lies
/// elsewhere. No link that a user could have planted leads root anywhere: below virtual_mail_root and the root of
/// indexes none is followed, and all else is done as the user. Without real root all is done as we are. Before any
/// other thread is started. An index that cannot be made is no error.
[[nodiscard]] Result<> make_mail(const auth::Account& account, const config::Settings& settings, bool real_root);

/// Whether the jail of a worker leaves it the folder of this account's mbox. Else it can make no lock file there.
[[nodiscard]] bool may_lock_beside(const auth::Account& account, const MailPlace& place);

/// What the jail of a worker must leave open for this account's mail.
[[nodiscard]] std::vector<Path> mail_paths(const auth::Account& account, const config::Settings& settings);

}  // namespace facteur::process
