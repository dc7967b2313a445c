// Coming in: a listening socket, and accepting from it without ever running dry of descriptors.
#pragma once

#include <functional>
#include <string>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"
#include "common/net/address.h"

namespace facteur::net {

/// A bound and listening TCP socket; with `reuse_port` several may share the address (SO_REUSEPORT). An IPv6 socket
/// takes IPv6 only. Port 0 asks for a free one.
[[nodiscard]] Result<Fd> listen_tcp(const Endpoint& endpoint, bool reuse_port);
/// A listening Unix socket, stream or seqpacket, of this mode; a stale one of the name is removed.
[[nodiscard]] Result<Fd> listen_unix(const std::string& path, bool seqpacket, unsigned mode);
/// The address that a socket is bound to.
[[nodiscard]] Result<Endpoint> local_endpoint(int socket);
[[nodiscard]] Result<Endpoint> peer_endpoint(int socket);

/// Accepts connections on a loop. When the process has no descriptor left it gives up a spare one to take the client,
/// closes the client, and rests for a moment: no spinning, and other clients see a closed connection instead of
/// silence.
class Acceptor {
 public:
  Acceptor(loop::Loop& loop, Fd socket);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor() = default;

  void open(std::function<void(Fd client)> accepted);
  /// Stops accepting and closes our copy of the socket.
  void close();
  void pause();
  void resume();

 private:
  void accept_some();
  void rest();

  Fd socket_;
  Fd spare_;
  loop::Poll poll_;
  loop::Timer timer_;
  std::function<void(Fd)> accepted_;
  bool paused_ = false;
};

}  // namespace facteur::net
