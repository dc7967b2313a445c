// EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315 section 2.1). The EXPUNGE responses come with all other
// changes behind the command.
#include "imapd/session/commands/handlers.h"
#include "imapd/session/mailbox/message_set.h"

namespace facteur::imapd::commands {

namespace {

Reply expunged(const Context& context, const Result<>& result) {
  return result ? ok("Expunged") : store_failed(context, result.error(), no("Nothing can be expunged here"));
}

}  // namespace

Step expunge(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return one_slice([](Context& context) { return expunged(context, expunge_deleted(*context.selected, nullptr)); });
}

Step uid_expunge(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.space();
  auto set = arguments.sequence_set();
  arguments.end();
  return one_slice(
      [set = std::move(set)](Context& context) { return expunged(context, expunge_deleted(*context.selected, &set)); });
}

}  // namespace facteur::imapd::commands
