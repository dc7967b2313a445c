#include "common/process/seccomp.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace facteur::process {
namespace {

using Filter = std::unique_ptr<void, decltype([](void* filter) { seccomp_release(filter); })>;

constexpr std::array never{
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(personality),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(listen),
    // What reaches other processes of the same uid.
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(setpriority),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(sched_setparam),
    SCMP_SYS(sched_setattr),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(migrate_pages),
    SCMP_SYS(move_pages),
    SCMP_SYS(process_madvise),
};

constexpr std::array with_files{
    SCMP_SYS(open),      SCMP_SYS(openat),  SCMP_SYS(openat2), SCMP_SYS(creat),     SCMP_SYS(rename),
    SCMP_SYS(link),      SCMP_SYS(linkat),  SCMP_SYS(unlink),  SCMP_SYS(unlinkat),  SCMP_SYS(renameat),
    SCMP_SYS(mkdir),     SCMP_SYS(mkdirat), SCMP_SYS(rmdir),   SCMP_SYS(renameat2), SCMP_SYS(symlink),
    SCMP_SYS(symlinkat), SCMP_SYS(chmod),   SCMP_SYS(chown),   SCMP_SYS(truncate),  SCMP_SYS(fchmodat),
    SCMP_SYS(fallocate),
};

class Builder {
 public:
  explicit Builder(void* filter) : filter_(filter) {}

  void refuse(int call, int error = EPERM) {
    // EEXIST and EDOM of libseccomp: a call this machine does not have.
    note(seccomp_rule_add(filter_, SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, 0));
  }
  void refuse_if(int call, scmp_arg_cmp condition, int error = EPERM) {
    note(seccomp_rule_add(filter_, SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, 1, condition));
  }
  void refuse_if_both(int call, scmp_arg_cmp first, scmp_arg_cmp second) {
    note(seccomp_rule_add(filter_, SCMP_ACT_ERRNO(EPERM), call, 2, first, second));
  }
  [[nodiscard]] int first_error() const { return error_; }

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }
  void* filter_;
  int error_ = 0;
};

/// Sockets: none, or those of the families that the role may use.
void limit_sockets(Builder& builder, unsigned rights) {
  const bool inet = (rights & inet_sockets) != 0;
  const bool local = (rights & unix_sockets) != 0;
  if (!inet && !local) {
    builder.refuse(SCMP_SYS(socket));
    builder.refuse(SCMP_SYS(connect));
  } else if (inet) {
    // AF_UNIX is 1, AF_INET 2, AF_INET6 10: nothing else, and no Unix sockets.
    builder.refuse_if(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_LT, AF_INET));
    builder.refuse_if(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_GT, AF_INET6));
    for (int family = AF_INET + 1; family < AF_INET6; ++family) {
      builder.refuse_if(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
    }
  } else {
    builder.refuse_if(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_NE, AF_UNIX));
  }
  if (!inet) builder.refuse(SCMP_SYS(bind));
}

/// Signals go to this process alone, as abort() sends them. Whether another one lives may be asked: dotlocks name it.
void limit_signals(Builder& builder) {
  const auto self = static_cast<scmp_datum_t>(::getpid());
  builder.refuse_if_both(SCMP_SYS(kill), SCMP_A0(SCMP_CMP_NE, self), SCMP_A1(SCMP_CMP_NE, 0));
  builder.refuse_if(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_NE, self));
  builder.refuse_if(SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_NE, 0));
}

}  // namespace

Result<> load_seccomp(const Role& role) {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return fail(Kind::temporary, "seccomp_init failed");
  Builder builder(filter.get());
  for (const int call : never) builder.refuse(call);
  builder.refuse(SCMP_SYS(clone3), ENOSYS);
  builder.refuse_if(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  // What types into a terminal, as whoever sits at it. The kernel looks at the lower half of the number.
  for (const scmp_datum_t request : {TIOCSTI, TIOCLINUX, TIOCSETD}) {
    builder.refuse_if(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, request));
  }
  limit_signals(builder);
  limit_sockets(builder, role.rights);
  if ((role.rights & open_files) == 0) {
    for (const int call : with_files) builder.refuse(call);
  } else {
    // Room on the disk for a file may be had, holes in one that is there to be written to may not be made.
    builder.refuse_if(SCMP_SYS(fallocate), SCMP_A1(SCMP_CMP_NE, 0));
  }
  if (builder.first_error() != 0) return fail_errno("seccomp_rule_add", builder.first_error());
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  const int loaded = seccomp_load(filter.get());
  if (loaded < 0) return fail_errno("seccomp_load", -loaded);
  return {};
}

}  // namespace facteur::process
