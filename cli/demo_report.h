// What a running demo tells people and scripts.
#pragma once

#include <map>
#include <string>

#include "cli/demo_folder.h"

namespace facteur::cli {

/// How to send and read, for people.
[[nodiscard]] std::string describe_demo(const DemoFolder& demo);
/// One line of JSON: dir config domain host accounts mail ports pids spool log certificate. `pids` from the running
/// processes.
[[nodiscard]] std::string describe_demo_as_json(const DemoFolder& demo, int facteurd_pid);
/// The folder of this program, where the others are.
[[nodiscard]] std::string programs_folder();
/// FACTEUR_HOST and the like, and a PATH that begins with our programs, for --exec.
[[nodiscard]] std::map<std::string, std::string> demo_environment(const DemoFolder& demo);

}  // namespace facteur::cli
