#include "common/process/jail.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/process/landlock.h"
#include "common/process/seccomp.h"

namespace facteur::process {
namespace {

bool has_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) < 0) return false;
  constexpr unsigned wanted = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_SYS_CHROOT | 1U << CAP_CHOWN;
  return (data[0].effective & wanted) == wanted;
}

/// Whether the user namespace maps more than one uid: inside one that maps one, root can become nobody else.
bool maps_other_uids() {
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  std::uint64_t total = 0;
  while (map >> inside >> outside >> count) total += count;
  return total > 1;
}

Result<> check_system_user(const Identity& identity) {
  if (identity.user.empty()) return {};
  const passwd* entry = ::getpwnam(identity.user.c_str());
  if (entry == nullptr) return fail(Kind::temporary, "no system user " + identity.user);
  if (entry->pw_uid != identity.uid) return fail(Kind::permanent, "the uid of " + identity.user + " is another one");
  return {};
}

Result<> change_root(const Role& role, const Identity& identity) {
  if (role.root == Root::system) return {};
  const std::string& root = role.root == Root::empty ? identity.empty_root : identity.spool;
  if (::chroot(root.c_str()) < 0) return fail_errno("chroot " + root, errno);
  if (::chdir("/") < 0) return fail_errno("chdir /", errno);
  return {};
}

Result<> become(const Identity& identity) {
  if (identity.uid == 0 || identity.gid == 0) return fail(Kind::permanent, "a jailed process must not be root");
  const int grouped =
      identity.user.empty() ? ::setgroups(0, nullptr) : ::initgroups(identity.user.c_str(), identity.gid);
  if (grouped < 0) return fail_errno("setgroups", errno);
  if (::setresgid(identity.gid, identity.gid, identity.gid) < 0) return fail_errno("setresgid", errno);
  if (::setresuid(identity.uid, identity.uid, identity.uid) < 0) return fail_errno("setresuid", errno);
  check(::setuid(0) < 0, "root was given up, and taken back");
  return {};
}

/// Goes on without a part of the jail that this machine lacks, unless that is forbidden.
Result<> settle(const Result<>& done, std::string_view part, bool required) {
  if (done) return {};
  if (required) return fail(Kind::permanent, "require_sandbox: " + done.error().text);
  log::warning("running without {}: {}", part, done.error().text);
  return {};
}

}  // namespace

bool is_real_root() {
  return ::geteuid() == 0 && has_capabilities() && maps_other_uids();
}

Result<> become_user(const Identity& identity) {
  if (auto known = check_system_user(identity); !known) return known;
  auto became = become(identity);
  ::prctl(PR_SET_DUMPABLE, 0);
  return became;
}

Result<> close_jail(const Role& role, const Identity& identity, const std::vector<Path>& paths, bool require_sandbox) {
  auto landlock = Landlock::prepare(paths, (role.rights & inet_sockets) != 0);
  if (identity.real_root) {
    if (auto known = check_system_user(identity); !known) return known;
    if (auto changed = change_root(role, identity); !changed) return changed;
    if (auto became = become(identity); !became) return became;
  }
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("no_new_privs", errno);
  const Result<> enforced = landlock ? landlock->enforce() : Result<>(fail(landlock));
  if (auto settled = settle(enforced, "Landlock", require_sandbox); !settled) return settled;
  return settle(load_seccomp(role), "seccomp", require_sandbox);
}

}  // namespace facteur::process
