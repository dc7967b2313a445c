// One client of pop3d: the engine behind login, driven by a socket.
#pragma once

#include <functional>
#include <string>

#include "common/base/executor.h"
#include "common/base/time.h"
#include "common/login/worker/session_worker.h"
#include "common/loop/loop.h"
#include "common/net/stream.h"
#include "master/doors.h"
#include "pop3d/session/session.h"

namespace facteur::pop3d {

class Connection final : public login::WorkerSession {
 public:
  /// Octets that may wait for a slow client before the session rests.
  static constexpr std::size_t most_buffered = 65536;

  Connection(loop::Loop& loop, Executor& executor, Opener open, SessionOptions options, Seconds idle_time,
             master::Session client, std::function<void()> finished);

  void start() override;
  void shut_down() override;

 private:
  void received(std::string_view octets);
  void ended();
  void drained();
  void pump();
  void linger();
  void finish();
  void rest();

  std::string user_;
  std::string client_ip_;
  std::string first_octets_;
  Seconds idle_time_;
  Session session_;
  net::Stream stream_;
  loop::Timer timer_;
  std::function<void()> finished_;
  bool client_ended_ = false;
  bool lingering_ = false;
  bool done_ = false;
};

}  // namespace facteur::pop3d
