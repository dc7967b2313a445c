// What stands before the message of APPEND: asked twice, when the literal is announced and when it is there.
#pragma once

#include "imapd/session/mailbox/flags.h"
#include "imapd/wire/parser.h"

namespace facteur::imapd::commands {

struct AppendArguments {
  std::string mailbox;
  FlagNames flags;
  std::int64_t internal_date = 0;  ///< seconds since 1970; 0 for now
};

/// Reads SP mailbox [SP flag-list] [SP date-time] SP (RFC 3501 section 6.3.11).
[[nodiscard]] AppendArguments parse_append(Parser& parser);
/// Whether the literal at the end of this line is the message, rather than the mailbox name.
[[nodiscard]] bool announces_message(Parser& parser);

}  // namespace facteur::imapd::commands
