// Going out: a TCP connection to one address.
#pragma once

#include <functional>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/base/ticket.h"
#include "common/loop/loop.h"
#include "common/net/address.h"

namespace facteur::net {

/// Connects to `target` within `deadline`; answers with the socket, or with Kind::timeout or Kind::temporary and the
/// words of the kernel. `from`, if it is not 0.0.0.0 or ::, is the address to leave from.
[[nodiscard]] Ticket connect(loop::Loop& loop, const Endpoint& target, Milliseconds deadline,
                             std::function<void(Result<Fd>)> done, const Ip& from = Ip());

}  // namespace facteur::net
