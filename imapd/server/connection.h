// One client of imapd: the engine behind login on a socket, with a watch on the mailbox while it idles.
#pragma once

#include <functional>
#include <string>

#include "common/base/executor.h"
#include "common/base/time.h"
#include "common/login/worker/client_connection.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"
#include "imapd/session/session.h"
#include "master/doors.h"

namespace facteur::imapd {

struct ConnectionTimes {
  Seconds idle{30 * 60};       ///< without an octet of the client (RFC 3501 section 5.4: at least 30 minutes)
  Seconds keep_alive{2 * 60};  ///< between two words to a client that idles
};

class Connection final : public login::ClientConnection {
 public:
  Connection(loop::Loop& loop, Executor& executor, Session::Opener open, Settings settings, ConnectionTimes times,
             master::Session client, std::function<void()> finished);

 private:
  login::SessionEngine& engine() override { return session_; }
  void begin(std::string tag) override { session_.start(std::move(tag)); }
  void pumped() override;
  void ending() override;
  void log_end() const override;
  void keep_alive();

  Seconds keep_alive_;
  Session session_;
  loop::Timer keep_alive_timer_;
  loop::Poll poll_;  ///< of the selected mailbox, while the client idles
  int watched_ = -1;
};

}  // namespace facteur::imapd
