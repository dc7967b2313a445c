// Starts a program with its door to master as descriptor 3 and nothing else that is ours.
#pragma once

#include <string>
#include <sys/types.h>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace facteur::master {

struct Spawned {
  pid_t pid = -1;
  Fd door;  ///< our end
};

/// Starts `folder`/`program` in a process group of its own, with the default signals and an environment of PATH and TZ.
/// It still has our uid: it looks up what it needs and drops it itself (process::close_jail). `errors` is its standard
/// error, -1: it has none. Of our descriptors it gets no other.
[[nodiscard]] Result<Spawned> spawn(const std::string& folder, const std::string& program, int errors);

/// The folder of the running program's file.
[[nodiscard]] std::string own_folder();

}  // namespace facteur::master
