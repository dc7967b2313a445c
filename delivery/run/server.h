// The program `local-run`: a service on the skeleton of all programs.
#pragma once

#include "common/process/program.h"
#include "delivery/run/service.h"

namespace facteur::run {

class Server {
 public:
  /// For the mbox of the one account that master named; ends the program if that has none. As the user.
  explicit Server(process::Program& program);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() = default;

 private:
  Service service_;
};

}  // namespace facteur::run
