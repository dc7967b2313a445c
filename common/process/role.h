// What each kind of process may do once its jail is closed: the table of DESIGN section 3 in code.
#pragma once

#include <string>
#include <vector>

namespace facteur::process {

/// Where a process is shut into, when root started it.
enum class Root : unsigned char { system, empty, spool };

/// Rights that a role keeps; everything else is refused.
enum Right : unsigned {
  open_files = 1,    ///< may open files at all (below its Landlock folders)
  inet_sockets = 2,  ///< may make sockets for DNS and connections
  unix_sockets = 4,  ///< may make Unix sockets (saslauthd)
  file_leases = 8,   ///< fcntl leases, memfds for others
};

struct Role {
  const char* name;
  Root root = Root::empty;
  unsigned rights = 0;
};

namespace roles {
inline constexpr Role smtpd{"smtpd", Root::empty, inet_sockets};
inline constexpr Role login{"login", Root::empty, 0};
inline constexpr Role authd{"authd", Root::system, open_files | unix_sockets};
inline constexpr Role queued{"queued", Root::spool, open_files | file_leases};
inline constexpr Role remote{"remote", Root::empty, inet_sockets};
inline constexpr Role worker{"worker", Root::system, open_files};
}  // namespace roles

/// A folder or file that a role may use, for Landlock.
struct Path {
  std::string path;
  bool writable = false;
};

}  // namespace facteur::process
