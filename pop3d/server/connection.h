// One client of pop3d: the engine behind login on a socket.
#pragma once

#include <functional>
#include <string>

#include "common/base/executor.h"
#include "common/base/time.h"
#include "common/login/worker/client_connection.h"
#include "common/loop/loop.h"
#include "master/doors.h"
#include "pop3d/session/session.h"

namespace facteur::pop3d {

class Connection final : public login::ClientConnection {
 public:
  Connection(loop::Loop& loop, Executor& executor, Opener open, SessionOptions options, Seconds idle_time,
             master::Session client, std::function<void()> finished);

 private:
  login::SessionEngine& engine() override { return session_; }
  void begin(std::string /*tag*/) override { session_.start(); }
  void log_end() const override;

  Session session_;
};

}  // namespace facteur::pop3d
