// UIDVALIDITY values of one account: each mailbox gets one that none before it had, also after mailboxes were deleted
// (RFC 3501 section 2.3.1.1).
#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "common/fs/files.h"

namespace facteur::store {

/// The next value: the present second, or one more than the last value given if that is not lower. Keeps it in the file
/// facteur-uidvalidity of `directory`, durable before it is told.
[[nodiscard]] Result<std::uint32_t> next_uid_validity(int directory, fs::Files& files);

}  // namespace facteur::store
