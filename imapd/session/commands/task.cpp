#include "imapd/session/commands/task.h"

#include "common/log/log.h"

namespace facteur::imapd {

Reply store_failed(const Error& error, Reply refused) {
  if (error.kind == Kind::permanent) return refused;
  log::warning("mailbox: {}", error.text);
  return no("The mailbox cannot be reached now; try again later", "UNAVAILABLE");
}

}  // namespace facteur::imapd
