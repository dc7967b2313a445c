// Where the log goes: opened by master, handed to everybody as a descriptor.
#pragma once

#include <string>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/log/log.h"

namespace facteur::master {

struct LogDestination {
  Fd descriptor;
  log::Framing framing = log::Framing::line;
};

/// Opens the setting `log`: "stderr", "syslog" (/dev/log), "journal", or a file, which is appended to. Every call gives
/// a descriptor of its own.
[[nodiscard]] Result<LogDestination> open_log(const std::string& setting);

}  // namespace facteur::master
