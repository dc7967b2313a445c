// The lines about messages, in the shape that Postfix's log has and that pflogsumm counts. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/time.h"
#include "queue/doors.h"
#include "queue/format/message.h"

namespace facteur::queue {

/// delays=a/b/c/d of Postfix: before queued had it, in queued, making the connection, sending.
struct Delays {
  Milliseconds before{0};
  Milliseconds in_queue{0};
  Milliseconds setup{0};
  Milliseconds transfer{0};
  [[nodiscard]] Milliseconds total() const { return before + in_queue + setup + transfer; }
};

/// "0.05", "2.3", "152": seconds with two digits that count, as delay_logging_resolution_limit has it.
[[nodiscard]] std::string show_delay(Milliseconds delay);

/// An address fit to stand in angle brackets in a line.
[[nodiscard]] std::string show_address(std::string_view address);

/// "<id>: from=<…>, size=n, nrcpt=n (queue active)"
[[nodiscard]] std::string active_line(std::string_view queue_id, const Message& message, std::size_t recipients);

/// "<id>: to=<…>, orig_to=<…>, relay=…, delay=…, delays=a/b/c/d, dsn=…, status=sent|deferred|bounced (…)"
[[nodiscard]] std::string delivery_line(std::string_view queue_id, const Recipient& recipient,
                                        const RecipientResult& result, const Delays& delays);

}  // namespace facteur::queue
