// The queue for people, in the form of Postfix's mailq(1). Pure.
#pragma once

#include <string>
#include <string_view>

#include "queue/format/message.h"

namespace facteur::queue {

/// How a message stands: in delivery ('*'), on hold ('!'), or waiting.
enum class Mark : char { none = ' ', active = '*', hold = '!' };

/// One message: a line with its id, size, arrival and sender; for each reason its recipients below it.
[[nodiscard]] std::string list_entry(std::string_view queue_id, const Message& message, Mark mark);
[[nodiscard]] std::string_view list_head();
/// "-- 12 Kbytes in 3 Requests."
[[nodiscard]] std::string list_foot(std::uint64_t octets, std::uint64_t messages);

/// All that is known of one message, a fact a line; not its content.
[[nodiscard]] std::string describe_message(std::string_view queue_id, const Message& message, Mark mark);

}  // namespace facteur::queue
