// facteurd: the only root code. It binds, spawns, drops privileges and passes descriptors; it parses nothing from the
// network.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/loop/loop.h"
#include "config/load.h"
#include "master/control.h"
#include "master/maildrop.h"
#include "master/supervisor.h"
#include "master/suspects.h"
#include "master/workers.h"

namespace facteur::master {

/// The whole of facteurd: settings, family, control.
class Master {
 public:
  Master(std::string config_file, std::string program_folder);
  /// Starts everything and serves until SIGTERM or SIGINT; gives the exit status.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] Result<config::Settings> load_checked() const;
  Result<> reload();
  void hung_up();
  void condemn(const std::string& queue_id);
  void watch_files();
  void stop();

  std::string config_file_;
  loop::Loop loop_;
  Supervisor supervisor_;
  Suspects suspects_;
  Workers workers_;
  Control control_;
  Maildrop maildrop_;
  loop::Timer watch_timer_{loop_};
  loop::Timer reload_timer_{loop_};  ///< runs for a while after a SIGHUP
  bool reload_wanted_ = false;       ///< another SIGHUP came meanwhile
  std::string watched_;              ///< what the certificate, the key and resolv.conf looked like
};

}  // namespace facteur::master
