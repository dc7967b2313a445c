// The program `remote`: a service on the skeleton of all programs.
#pragma once

#include <memory>
#include <optional>

#include "common/process/program.h"
#include "delivery/remote/service.h"

namespace facteur::remote {

class Server {
 public:
  explicit Server(process::Program& program);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() = default;

  /// Reads what needs files: resolvers, hosts, the rules of TLS. Before the jail; an error ends the program.
  [[nodiscard]] Result<> prepare();

 private:
  process::Program& program_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::optional<Environment> environment_;
  std::optional<Service> service_;
};

}  // namespace facteur::remote
