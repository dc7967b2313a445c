// A client's or server's connection, in the clear until start_tls(): the one kind of connection that our servers and
// clients use.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/loop/loop.h"
#include "common/net/stream.h"
#include "common/tls/context.h"

namespace facteur::tls {

/// What was agreed, for Received lines and the log.
struct Agreed {
  std::string protocol;  ///< "TLSv1.3"
  std::string cipher;    ///< "TLS_AES_256_GCM_SHA384"
  int bits = 0;
};

enum class Side : unsigned char { server, client };

/// Octets in and out over a stream, with or without TLS. The handlers are those of net::Stream and always see clear
/// text: an end is told for FIN and for close_notify alike; after close_notify no octet is taken. Each handler may
/// destroy the connection.
class Connection {
 public:
  Connection(loop::Loop& loop, Fd socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void open(net::StreamHandlers handlers);
  void write(std::string_view octets);
  /// Octets not yet taken by the kernel (with TLS: as sent, so a little more than was written).
  [[nodiscard]] std::size_t buffered() const { return stream_.buffered(); }
  void pause() { stream_.pause(); }
  void resume();

  /// Begins a handshake; everything received from now on belongs to it. `done` runs once, unless the connection is
  /// destroyed or fails first; with an error the connection is of no further use. `server_name` is the SNI of a client
  /// (RFC 6066 section 3). Data handlers see nothing before `done`.
  void start_tls(std::shared_ptr<const Context> context, Side side, const std::string& server_name,
                 std::function<void(Result<Agreed>)> done);
  [[nodiscard]] bool secure() const { return secure_; }

  /// No more will be written: what is buffered, then close_notify, then FIN. Reading goes on.
  void finish_writing();
  /// Gives a clear-text socket away; nothing may be buffered.
  [[nodiscard]] Fd release();
  [[nodiscard]] int descriptor() const { return stream_.descriptor(); }

 private:
  struct Engine;
  void received(std::string_view octets);
  void handshake();
  void read_clear();
  void flush();
  void tell_end();
  void fail_with(Error error);

  loop::Loop& loop_;
  net::Stream stream_;
  net::StreamHandlers handlers_;
  std::unique_ptr<Engine> engine_;
  std::function<void(Result<Agreed>)> handshake_done_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool secure_ = false;
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace facteur::tls
