// queued as a whole: its parts, and which peer speaks to which.
#pragma once

#include <memory>

#include "common/process/program.h"
#include "queue/daemon/control.h"
#include "queue/daemon/local_delivery.h"
#include "queue/daemon/mx_rules.h"
#include "queue/daemon/reception.h"
#include "queue/daemon/remote_delivery.h"

namespace facteur::queue {

/// The program behind main().
class Server {
 public:
  explicit Server(process::Program& program);
  ~Server();

  /// What must be known before the jail closes.
  void prepare();
  /// Opens the spool, inside the jail. A spool that cannot be used ends the process, with the reason in the log.
  void start();

 private:
  void listen();
  void take_tables(const Fd& memory);
  void take_settings();
  void stop();

  process::Program& program_;
  std::vector<net::Ip> own_addresses_;
  std::shared_ptr<Spool> spool_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<LocalDelivery> local_;
  std::unique_ptr<RemoteDelivery> remote_;
  std::unique_ptr<Reception> reception_;
  std::unique_ptr<Control> control_;
  std::unique_ptr<ipc::Door> authd_;
  loop::Timer sweep_timer_;
};

}  // namespace facteur::queue
