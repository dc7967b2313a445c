// The settings that queued uses, taken from the general ones; they may change while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"
#include "queue/schedule/backoff.h"
#include "queue/schedule/scheduler.h"

namespace facteur::queue {

struct Options {
  std::string hostname;
  std::string relayhost;
  std::uint16_t smtp_port = 25;
  bool no_dns = false;  ///< nothing is to leave the machine by itself
  RetryTimes times;
  Seconds bounce_lifetime{5 * 86400};
  std::size_t hopcount_limit = 50;
  std::size_t most_recipients = 20000;  ///< in core
  std::size_t most_messages = 20000;    ///< in core
  std::uint64_t bounce_size_limit = 50000;
  std::uint64_t minfree = 0;
  ScheduleLimits remote;
  ScheduleLimits local;
};

[[nodiscard]] Options options_from(const config::Settings& settings);

}  // namespace facteur::queue
