#include "imapd/session/commands/task.h"

#include "common/log/log.h"

namespace facteur::imapd {

void warn(const Context& context, const Error& error) {
  log::warning("{}: mailbox: {}", context.user, error.text);
}

Reply store_failed(const Context& context, const Error& error, Reply refused) {
  if (error.kind == Kind::permanent) return refused;
  warn(context, error);
  return no("The mailbox cannot be reached now; try again later", "UNAVAILABLE");
}

}  // namespace facteur::imapd
