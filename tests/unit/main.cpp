#define CATCH_CONFIG_RUNNER
#include <csignal>

#include "catch.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // as every program of ours does
  return Catch::Session().run(argc, argv);
}
