// One client of a worker: an engine behind login, driven by a socket. POP3 and IMAP differ in how a session begins, in
// what else they watch and in what they log at its end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/fd.h"
#include "common/base/time.h"
#include "common/login/session_engine.h"
#include "common/login/worker/session_worker.h"
#include "common/loop/loop.h"
#include "common/net/stream.h"
#include "master/doors.h"

namespace facteur::login {

class ClientConnection : public WorkerSession {
 public:
  /// Octets that may wait for a slow client before the session rests.
  static constexpr std::size_t most_buffered = 65536;

  void start() final;
  void shut_down() final;

 protected:
  /// `idle_time`: how long a client may be silent, or may not read.
  ClientConnection(loop::Loop& loop, Seconds idle_time, master::Session client, std::function<void()> finished);

  [[nodiscard]] virtual SessionEngine& engine() = 0;
  /// Opens the mail and answers the command that logged in, which had this tag: first call of all to the engine.
  virtual void begin(std::string tag) = 0;
  /// The engine has said all that there is room for.
  virtual void pumped() {}
  /// The session is over: nothing may be watched any more.
  virtual void ending() {}
  /// Says in the log what the whole session was.
  virtual void log_end() const = 0;

  /// Moves what the session has to say to the socket while there is room, and sees what comes next.
  void pump();
  [[nodiscard]] const std::string& user() const { return user_; }
  [[nodiscard]] const std::string& client_ip() const { return client_ip_; }
  [[nodiscard]] std::uint64_t octets_in() const { return octets_in_; }
  [[nodiscard]] std::uint64_t octets_out() const { return octets_out_; }

 private:
  void received(std::string_view octets);
  void ended();
  void drained();
  void linger();
  void finish();
  void rest();
  void timed_out();

  std::string user_;
  std::string client_ip_;
  std::string tag_;
  std::string first_octets_;
  Seconds idle_time_;
  Fd place_;  ///< what authd counts the session by
  net::Stream stream_;
  loop::Timer timer_;
  std::function<void()> finished_;
  std::uint64_t octets_in_ = 0;
  std::uint64_t octets_out_ = 0;
  bool client_ended_ = false;
  bool lingering_ = false;
  bool done_ = false;
};

}  // namespace facteur::login
