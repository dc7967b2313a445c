// The rules of MX, for this host: which addresses are its own, and which no host of the Internet has.
#pragma once

#include <vector>

#include "common/net/address.h"
#include "config/settings.h"
#include "queue/schedule/mx.h"

namespace facteur::queue {

/// The rules of MX on this host, whose addresses are `own`. Never connected to because an MX says so: this network and
/// this host (0/8, 127/8,
/// ::, ::1), link-local, multicast and reserved blocks (RFC 6890), and their forms mapped into IPv6.
[[nodiscard]] MxRules mx_rules(const config::Settings& settings, std::vector<net::Ip> own);

}  // namespace facteur::queue
