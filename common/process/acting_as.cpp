// Effective ids.

#include "common/process/acting_as.h"

#include <grp.h>
#include <unistd.h>

#include "common/base/result.h"

namespace facteur::process {

ActingAs::ActingAs(uid_t uid, gid_t gid) : gid_(::getegid()) {
  const int count = ::getgroups(0, nullptr);
  check(count >= 0, "getgroups");
  groups_.resize(static_cast<std::size_t>(count));
  check(::getgroups(count, groups_.data()) == count, "getgroups");
  check(::setgroups(1, &gid) == 0 && ::setegid(gid) == 0 && ::seteuid(uid) == 0, "cannot act as another user");
}

ActingAs::~ActingAs() {
  check(::seteuid(0) == 0 && ::setegid(gid_) == 0 && ::setgroups(groups_.size(), groups_.data()) == 0,
        "cannot be root again");
}

}  // namespace facteur::process
