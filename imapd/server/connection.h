// One client of imapd: the engine behind login, driven by a socket, with a watch on the mailbox while it idles.
#pragma once

#include <functional>
#include <string>

#include "common/base/executor.h"
#include "common/base/time.h"
#include "common/login/worker/session_worker.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"
#include "common/net/stream.h"
#include "imapd/session/session.h"
#include "master/doors.h"

namespace facteur::imapd {

struct ConnectionTimes {
  Seconds idle{30 * 60};       ///< without an octet of the client (RFC 3501 section 5.4: at least 30 minutes)
  Seconds keep_alive{2 * 60};  ///< between two words to a client that idles
};

class Connection final : public login::WorkerSession {
 public:
  /// Octets that may wait for a slow client before the session rests.
  static constexpr std::size_t most_buffered = 65536;

  Connection(loop::Loop& loop, Executor& executor, Session::Opener open, Settings settings, ConnectionTimes times,
             master::Session client, std::function<void()> finished);

  void start() override;
  void shut_down() override;

 private:
  void received(std::string_view octets);
  void ended();
  void drained();
  void pump();
  void watch();
  void watch_nothing();
  void keep_alive();
  void linger();
  void finish();
  void rest();

  std::string user_;
  std::string client_ip_;
  std::string tag_;
  std::string first_octets_;
  ConnectionTimes times_;
  Session session_;
  net::Stream stream_;
  loop::Timer timer_;
  loop::Timer keep_alive_timer_;
  loop::Poll poll_;  ///< of the selected mailbox, while the client idles
  int watched_ = -1;
  std::function<void()> finished_;
  std::uint64_t octets_in_ = 0;
  std::uint64_t octets_out_ = 0;
  bool client_ended_ = false;
  bool lingering_ = false;
  bool done_ = false;
};

}  // namespace facteur::imapd
