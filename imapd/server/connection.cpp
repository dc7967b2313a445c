#include "imapd/server/connection.h"

#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::imapd {

Connection::Connection(loop::Loop& loop, Executor& executor, Session::Opener open, Settings settings,
                       ConnectionTimes times, master::Session client, std::function<void()> finished)
    : ClientConnection(loop, times.idle, std::move(client), std::move(finished)),
      keep_alive_(times.keep_alive),
      session_(executor, std::move(open), std::move(settings)),
      keep_alive_timer_(loop),
      poll_(loop) {
}

/// Watches the mailbox exactly while the session waits for a change of it: its descriptor is the session's, and closed
/// by it at other times.
void Connection::pumped() {
  const int wanted = session_.watching() ? session_.watch_descriptor() : -1;
  if (wanted == watched_) return;
  ending();
  if (wanted < 0) return;
  watched_ = wanted;
  poll_.watch(wanted, true, false, [this](bool, bool) {
    session_.mailbox_changed();
    pump();
  });
  keep_alive_timer_.start(keep_alive_, [this] { keep_alive(); });
}

void Connection::keep_alive() {
  session_.keep_alive();
  keep_alive_timer_.start(keep_alive_, [this] { keep_alive(); });
  pump();
}

void Connection::ending() {
  if (watched_ >= 0) poll_.stop();
  watched_ = -1;
  keep_alive_timer_.stop();
}

void Connection::log_end() const {
  log::info("session ended: user=<{}>, client=[{}], in={}, out={}", printable(user()), client_ip(), octets_in(),
            octets_out());
}

}  // namespace facteur::imapd
