#include "common/process/landlock.h"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace facteur::process {
namespace {

// linux/landlock.h of Debian 12 ends at ABI 2; the kernel may know more.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;  // ABI 4
  std::uint64_t scoped = 0;              // ABI 6
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed_access = 0;
  std::int32_t parent_fd = -1;
};
constexpr long create_ruleset = 444;
constexpr long add_rule = 445;
constexpr long restrict_self = 446;
constexpr int rule_path_beneath = 1;
constexpr std::uint32_t create_version = 1;

constexpr std::uint64_t execute = 1 << 0;
constexpr std::uint64_t write_file = 1 << 1;
constexpr std::uint64_t read_file = 1 << 2;
constexpr std::uint64_t read_dir = 1 << 3;
constexpr std::uint64_t all_abi1 = (1 << 13) - 1;
constexpr std::uint64_t refer = 1 << 13;      // ABI 2
constexpr std::uint64_t truncate = 1 << 14;   // ABI 3
constexpr std::uint64_t ioctl_dev = 1 << 15;  // ABI 5
constexpr std::uint64_t net_tcp = 3;          // bind, connect
constexpr std::uint64_t scope_all = 3;        // abstract Unix sockets, signals

RulesetAttributes attributes(int abi, bool tcp) {
  RulesetAttributes out;
  out.handled_access_fs = all_abi1 | refer;
  if (abi >= 3) out.handled_access_fs |= truncate;
  if (abi >= 5) out.handled_access_fs |= ioctl_dev;
  if (abi >= 4 && !tcp) out.handled_access_net = net_tcp;
  if (abi >= 6) out.scoped = scope_all;
  return out;
}

std::size_t attributes_size(int abi) {
  if (abi >= 6) return 24;
  return abi >= 4 ? 16 : 8;
}

}  // namespace

int Landlock::abi() {
  const long version = ::syscall(create_ruleset, nullptr, 0, create_version);
  return version < 2 ? 0 : static_cast<int>(version);
}

Result<Landlock> Landlock::prepare(const std::vector<Path>& paths, bool tcp) {
  const int version = abi();
  if (version == 0) return fail(Kind::permanent, "this kernel has no Landlock of ABI 2 or later");
  const RulesetAttributes wanted = attributes(version, tcp);
  Landlock out;
  out.rules_.reset(static_cast<int>(::syscall(create_ruleset, &wanted, attributes_size(version), 0)));
  if (!out.rules_) return fail_errno("landlock_create_ruleset", errno);
  for (const auto& path : paths) {
    const Fd fd(::open(path.path.c_str(), O_PATH | O_CLOEXEC));
    if (!fd && errno == ENOENT) continue;
    if (!fd) return fail_errno("open " + path.path, errno);
    struct stat status{};
    if (::fstat(fd.get(), &status) < 0) return fail_errno("stat " + path.path, errno);
    PathBeneath rule;
    rule.allowed_access = path.writable ? wanted.handled_access_fs & ~execute : read_file | read_dir;
    if (!S_ISDIR(status.st_mode)) rule.allowed_access &= read_file | write_file | (truncate & wanted.handled_access_fs);
    rule.parent_fd = fd.get();
    if (::syscall(add_rule, out.rules_.get(), rule_path_beneath, &rule, 0) < 0) {
      return fail_errno("landlock_add_rule " + path.path, errno);
    }
  }
  return out;
}

Result<> Landlock::enforce() {
  if (::syscall(restrict_self, rules_.get(), 0) < 0) return fail_errno("landlock_restrict_self", errno);
  rules_.reset();
  return {};
}

}  // namespace facteur::process
