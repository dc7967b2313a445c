// Root as somebody else for a moment: the kernel then judges by that user's rights.
#pragma once

#include <sys/types.h>
#include <vector>

namespace facteur::process {

/// From its construction to its end the effective uid and gid are these, without other groups. Takes effect on all
/// threads, so it is for a start with one. Failing to become somebody, or to come back, aborts.
class ActingAs {
 public:
  ActingAs(uid_t uid, gid_t gid);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  gid_t gid_;
  std::vector<gid_t> groups_;
};

}  // namespace facteur::process
