// sendmail -bs: SMTP on stdin and stdout.
#pragma once

#include "config/settings.h"

namespace facteur::cli::sendmail {

/// Copies both ways between stdin, stdout and the submit socket until smtpd closes. Gives an exit code.
[[nodiscard]] int serve(const config::Settings& settings);

}  // namespace facteur::cli::sendmail
