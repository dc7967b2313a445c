#include "pop3d/server/connection.h"

#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::pop3d {

Connection::Connection(loop::Loop& loop, Executor& executor, Opener open, SessionOptions options, Seconds idle_time,
                       master::Session client, std::function<void()> finished)
    : ClientConnection(loop, idle_time, std::move(client), std::move(finished)),
      session_(executor, std::move(open), std::move(options)) {
}

void Connection::log_end() const {
  const auto& totals = session_.totals();
  if (!totals.problem.empty()) {
    log::warning("user=<{}>, client=[{}]: {}", printable(user()), client_ip(), printable(totals.problem));
  }
  log::info("session ended: user=<{}>, client=[{}], top={}, retr={}, del={}/{}, size={}", printable(user()),
            client_ip(), totals.topped, totals.retrieved, totals.deleted, totals.messages, totals.octets);
}

}  // namespace facteur::pop3d
