// Which addresses are this host's, and which no host of the Internet has.
#pragma once

#include <string_view>
#include <vector>

#include "common/net/address.h"
#include "config/settings.h"
#include "queue/schedule/mx.h"

namespace facteur::queue {

/// Addresses on which this host takes mail: those of inet_interfaces, or of all its interfaces. Asks the kernel, so
/// before the jail.
[[nodiscard]] std::vector<net::Ip> own_addresses(const config::Settings& settings);

/// The rules of MX on this host. Never connected to because an MX says so: this network and this host (0/8, 127/8,
/// ::, ::1), link-local, multicast and reserved blocks (RFC 6890), and their forms mapped into IPv6.
[[nodiscard]] MxRules mx_rules(const config::Settings& settings, std::vector<net::Ip> own);

}  // namespace facteur::queue
