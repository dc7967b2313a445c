// Which addresses are this host's.
#pragma once

#include <vector>

#include "common/net/address.h"
#include "config/settings.h"

namespace facteur::config {

/// Addresses on which this host takes mail: those of inet_interfaces, or of all its interfaces. Asks the kernel, so
/// before the jail.
[[nodiscard]] std::vector<net::Ip> own_addresses(const Settings& settings);

}  // namespace facteur::config
