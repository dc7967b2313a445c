// Where a message waits while the submit socket does not answer: queue_directory/maildrop, mode 1733.
#pragma once

#include "cli/sendmail/batch.h"
#include "common/base/result.h"
#include "common/fs/files.h"
#include "config/settings.h"

namespace facteur::cli::sendmail {

/// Leaves a batch there: written and synced under a dot name, which master passes over, then renamed. When this returns
/// well the message outlives a power cut. Kind::permanent if it is larger than master would take.
[[nodiscard]] Result<> leave_in_maildrop(const config::Settings& settings, const Batch& batch,
                                         fs::Files& files = fs::system_files());

}  // namespace facteur::cli::sendmail
