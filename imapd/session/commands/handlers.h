// The handlers of the command table. Each reads its arguments; what needs the store becomes a task.
#pragma once

#include "imapd/session/commands/command_table.h"

namespace facteur::imapd::commands {

// any_state.cpp
Step capability(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step noop(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step logout(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step id(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step namespaces(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step idle(Parser& arguments, const CommandInfo& info, const Settings& settings);
// select.cpp
Step select(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step examine(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step close(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step unselect(Parser& arguments, const CommandInfo& info, const Settings& settings);
// mailboxes.cpp
Step create(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step remove(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step rename(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step subscribe(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step unsubscribe(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step status(Parser& arguments, const CommandInfo& info, const Settings& settings);
// list.cpp
Step list(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step lsub(Parser& arguments, const CommandInfo& info, const Settings& settings);
// append.cpp
Step append(Parser& arguments, const CommandInfo& info, const Settings& settings);
// expunge.cpp
Step expunge(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step uid_expunge(Parser& arguments, const CommandInfo& info, const Settings& settings);
// copy.cpp
Step copy(Parser& arguments, const CommandInfo& info, const Settings& settings);
Step move(Parser& arguments, const CommandInfo& info, const Settings& settings);
// store.cpp
Step store_flags(Parser& arguments, const CommandInfo& info, const Settings& settings);
// fetch.cpp
Step fetch(Parser& arguments, const CommandInfo& info, const Settings& settings);
// search.cpp
Step search(Parser& arguments, const CommandInfo& info, const Settings& settings);

}  // namespace facteur::imapd::commands
