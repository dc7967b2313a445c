// Tells who started us how we are (sd_notify(3)): systemd, or the demo.
#pragma once

#include <string_view>

namespace facteur::master {

/// Sends one state, "READY=1" or "STOPPING=1", to $NOTIFY_SOCKET; nothing happens without one.
void notify(std::string_view state);

}  // namespace facteur::master
