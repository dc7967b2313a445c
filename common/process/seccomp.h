// System calls that a role has no use for are refused by the kernel (seccomp(2)).
#pragma once

#include "common/base/result.h"
#include "common/process/role.h"

namespace facteur::process {

/// Loads the filter of a role for all threads; no_new_privs must be set. Nobody may run programs, make processes,
/// trace, mount, or use io_uring (which no filter sees into); sockets and files only as the role's rights say. Refused
/// calls fail with EPERM, clone3 with ENOSYS so that libc falls back to clone, which is allowed for threads.
[[nodiscard]] Result<> load_seccomp(const Role& role);

}  // namespace facteur::process
