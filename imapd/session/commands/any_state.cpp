// Commands that are legal whether a mailbox is selected or not, and touch none.

#include "imapd/session/commands/handlers.h"
#include "imapd/wire/capabilities.h"
#include "imapd/wire/id.h"

namespace facteur::imapd::commands {

Step capability(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return Done{"* CAPABILITY " + std::string(capabilities_after_login) + "\r\n", ok("Capabilities listed")};
}

/// NOOP and CHECK: what has changed is told behind every command.
Step noop(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return one_slice([](Context&) { return ok("Nothing done"); });
}

Step logout(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return Done{"* BYE Logging out\r\n", ok("Logged out")};
}

Step id(Parser& arguments, const CommandInfo&, const Settings&) {
  parse_id(arguments);
  return Done{std::string(id_response), ok("Pleased to meet you")};
}

/// One personal namespace, the root (RFC 2342 section 5).
Step namespaces(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return Done{"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n", ok("Namespaces listed")};
}

Step idle(Parser& arguments, const CommandInfo&, const Settings&) {
  arguments.end();
  return Done{"+ Idling\r\n", {}};
}

}  // namespace facteur::imapd::commands
