// The one way into a jail: chroot, uid, Landlock, seccomp. There is no way out.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/process/role.h"

namespace facteur::process {

/// Who the process is to become, and where. Filled from what master said.
struct Identity {
  bool real_root = false;
  unsigned uid = 0;
  unsigned gid = 0;
  std::string user;        ///< system user: must have this uid; brings its supplementary groups
  std::string empty_root;  ///< a folder that holds nothing, for Root::empty
  std::string spool;       ///< for Root::spool
};

/// True if this process may in fact become other uids: root with CAP_SETUID, CAP_SETGID and CAP_SYS_CHROOT, in a user
/// namespace that maps more than one uid.
[[nodiscard]] bool is_real_root();

/// Closes the jail. What is missing on this machine (Landlock, seccomp) is logged, or, with `require_sandbox`, an
/// error. An error leaves the process half jailed: it must end.
[[nodiscard]] Result<> close_jail(const Role& role, const Identity& identity, const std::vector<Path>& paths,
                                  bool require_sandbox);

/// Becomes that user for good, without a jail: for what has to run programs that take rights of their own (set-id).
[[nodiscard]] Result<> become_user(const Identity& identity);

/// Tries what a jailed process must not be able to do: opening /etc/passwd, connecting, running a program, becoming
/// root, tracing, writing elsewhere. Prints a line each ("refused: ..." or "ALLOWED: ..."); gives the number allowed
/// against the role.
[[nodiscard]] int self_test(const Role& role);

}  // namespace facteur::process
