// The queue for people, in the form of Postfix's mailq(1). Pure.
#pragma once

#include <string>
#include <string_view>

#include "queue/format/message.h"

namespace facteur::queue {

/// How a message stands: in delivery ('*'), on hold ('!'), set aside in corrupt/ ('#'), or waiting.
enum class Mark : char { none = ' ', active = '*', hold = '!', corrupt = '#' };

/// One message: a line with its id, size, arrival and sender; for each reason its recipients below it.
[[nodiscard]] std::string list_entry(std::string_view queue_id, const Message& message, Mark mark);
[[nodiscard]] std::string_view list_head();
/// A file in corrupt/ that cannot be read as a message: `name`, size, time of its last change, and why.
[[nodiscard]] std::string corrupt_entry(std::string_view name, std::uint64_t size, std::int64_t changed,
                                        std::string_view why);
/// "-- 12 Kbytes in 3 Requests." Files in corrupt/ are none: they are told in a line of their own.
[[nodiscard]] std::string list_foot(std::uint64_t octets, std::uint64_t messages, std::uint64_t corrupt);

/// All that is known of one message, a fact a line; not its content.
[[nodiscard]] std::string describe_message(std::string_view queue_id, const Message& message, Mark mark);

}  // namespace facteur::queue
