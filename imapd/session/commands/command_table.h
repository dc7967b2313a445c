// The command table (RFC 3501 section 6): where each command is legal, what it does to sequence numbers, and who
// reads its arguments. The handlers are in commands/, one file for each group.
#pragma once

#include <cstdint>
#include <string_view>

#include "imapd/session/commands/settings.h"
#include "imapd/session/commands/task.h"
#include "imapd/wire/parser.h"

namespace facteur::imapd {

/// States of a session (RFC 3501 section 3), as a set. Before login it is the login engine's.
enum State : std::uint8_t { authenticated = 1, selected = 2, any_state = 3 };

/// What a command does, beside its own answer.
enum Effect : std::uint8_t {
  no_effect = 0,
  uses_sequence_numbers = 1,  ///< no EXPUNGE may be told while it is in progress (section 7.4.1)
  by_uid = 2,                 ///< the UID form: sets are of UIDs
  changes_messages = 4,       ///< refused in a mailbox that is open for reading only
  selects = 8,                ///< changes the selected mailbox: there is nothing to tell about the old one
  idles = 16,                 ///< goes on until DONE (RFC 2177)
  ends_session = 32,
  reads_contents = 64,  ///< may go on where another such command came to (Selected::take_content)
};

struct CommandInfo {
  std::string_view name;
  std::uint8_t allowed;  ///< states
  std::uint8_t effects;
  Step (*handle)(Parser& arguments, const CommandInfo& info, const Settings& settings);
  [[nodiscard]] bool has(Effect effect) const { return (effects & effect) != 0; }
};

/// The command of this name, in any case; "UID FETCH" is one. Nothing if there is none.
[[nodiscard]] const CommandInfo* find_command(std::string_view name);
/// Takes the name of a command, with the second word of the UID commands.
[[nodiscard]] std::string take_command_name(Parser& parser);

}  // namespace facteur::imapd
