// Runs a program to its end, and waits for that with a bound.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace facteur::run {

/// Runs `path` with these arguments (behind its name), without a shell: /dev/null as its three descriptors and no
/// other, PATH as its environment, all signals as at a login. Gives its exit status. After `most` it is killed:
/// Kind::timeout. Ended by a signal, or never started: Kind::temporary.
[[nodiscard]] Result<int> run_program(const std::string& path, std::vector<std::string> arguments, Milliseconds most);

}  // namespace facteur::run
