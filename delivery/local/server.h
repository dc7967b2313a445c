// The program `local`: a service on the skeleton of all programs.
#pragma once

#include <optional>

#include "common/process/program.h"
#include "delivery/local/service.h"

namespace facteur::local {

class Server {
 public:
  explicit Server(process::Program& program);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() = default;

  /// Makes the mail of the first account and opens the jail for it. Before the jail.
  void prepare();

 private:
  process::Program& program_;
  Service service_;
};

}  // namespace facteur::local
