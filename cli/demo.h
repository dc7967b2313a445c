// facteur demo: a whole installation in one folder, on loopback, ended by Ctrl-C.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace facteur::cli {

struct DemoOptions {
  std::string folder;                 ///< empty: a temporary one, removed at the end
  unsigned users = 0;                 ///< u1 … uN beside alice and bob
  std::string password;               ///< of all accounts; empty: one each
  std::string config_file;            ///< merged over the demo's own
  std::vector<std::string> settings;  ///< "key=value"
  std::optional<unsigned> port_base;  ///< port = base + the standard one; else free ports
  bool json = false;
  std::string exec;  ///< run by sh -c when all is ready; its status is ours
};

/// Runs until it is told to end; gives the exit code.
[[nodiscard]] int demo(const DemoOptions& options);

}  // namespace facteur::cli
