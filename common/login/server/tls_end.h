// The TLS end of a session that a worker serves in the clear: octets both ways between the client and a socket pair,
// with little in between, and each direction ended by itself.
#pragma once

#include <functional>

#include "common/base/fd.h"
#include "common/loop/loop.h"
#include "common/net/stream.h"
#include "common/tls/connection.h"

namespace facteur::login {

class TlsEnd {
 public:
  /// Octets that may wait for a slow side before the other one is no longer read.
  static constexpr std::size_t most_buffered = 65536;

  /// `client` must outlive this; the owner hands its events over from now on. `finished` runs once; it may not destroy
  /// this, but this does nothing any more.
  TlsEnd(loop::Loop& loop, tls::Connection& client, Fd worker, std::function<void()> finished);

  // What the client's connection tells.
  void client_data(std::string_view octets);
  void client_end();
  void client_drained();
  void client_failed();

 private:
  void worker_data(std::string_view octets);
  void worker_end();
  void finish();
  void finish_if_done();

  /// Time for the client to take the rest and close, once the worker has no more to say.
  static constexpr Milliseconds linger{60000};

  tls::Connection& client_;
  net::Stream worker_;
  loop::Timer timer_;
  std::function<void()> finished_;
  bool client_ended_ = false;
  bool worker_ended_ = false;
  bool done_ = false;
};

}  // namespace facteur::login
