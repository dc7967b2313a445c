// A login program: its settings, its doors, its listeners, around the server.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/login/server/protocol.h"
#include "common/login/server/server.h"
#include "common/process/program.h"

namespace facteur::login {

class Program {
 public:
  /// Reads the certificate and its key; ends the program with EX_CONFIG if they cannot be used. Before the jail.
  Program(process::Program& process, Protocol protocol);
  /// Starts to serve once the loop runs; behind the jail.
  void open();

 private:
  process::Program& process_;
  std::vector<ListenerSettings> listeners_;  ///< of those that master gave
  Server server_;
};

}  // namespace facteur::login
