// facteurd: starts the processes of Facteur, keeps them, and ends them.
//
// SECURITY: the only program that runs as root. It reads its settings, binds, spawns, and passes descriptors; nothing
// that came from the network is parsed here. Which uid a worker gets is decided in workers.cpp and users.cpp alone.
// STANDARDS: sysexits(3); sd_notify(3).
#include <CLI/CLI.hpp>
#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

#include "config/load.h"
#include "master/master.h"
#include "master/spawn.h"

int main(int argc, char** argv) {
  CLI::App app("facteurd: the master process of Facteur");
  std::string config;
  app.add_option("--config", config, "the settings file (or FACTEUR_CONFIG)");
  CLI11_PARSE(app, argc, argv);
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  facteur::master::Master master(facteur::config::settings_path(config), facteur::master::own_folder());
  return master.run();
}
