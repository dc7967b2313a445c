// One client of a login server, from the connection to its end: TLS at once, the engine, TLS on request, the hand-over;
// then nothing more of it here, or its TLS end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/login/engine.h"
#include "common/login/server/auth_client.h"
#include "common/login/server/protocol.h"
#include "common/login/server/tls_end.h"
#include "common/loop/loop.h"
#include "common/net/address.h"
#include "common/tls/connection.h"
#include "master/doors.h"

namespace facteur::login {

/// What all clients of a server share.
struct ClientSettings {
  const Protocol* protocol = nullptr;
  std::shared_ptr<const tls::Context> tls;  ///< none: no TLS
  Seconds login_time{60};                   ///< from the connection to the good login
  Seconds handshake_time{30};               ///< for TLS
};

/// What a client asks of its server.
class ClientHost {
 public:
  virtual ~ClientHost() = default;
  /// Asks master for a worker; the answer comes by Client::handed_over(), later. False if it cannot be asked.
  [[nodiscard]] virtual bool hand_over(std::uint64_t client, master::Handover request) = 0;
  /// The client has a worker now.
  virtual void logged_in(std::uint64_t client) = 0;
  /// The client is done; it is destroyed later, not within this call.
  virtual void finished(std::uint64_t client) = 0;
};

class Client {
 public:
  /// `options` are those of the engine; `implicit_tls` begins with a handshake.
  Client(loop::Loop& loop, ClientHost& host, AuthClient& auth, const ClientSettings& settings, std::uint64_t number,
         Fd socket, const net::Ip& ip, Options options, bool implicit_tls);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start();
  /// Master's answer to hand_over(); `text` is why not.
  void handed_over(master::Admission admission, std::string_view text);
  /// Time over: closed, with a word if the protocol has one. Without effect behind the login.
  void expire();
  [[nodiscard]] bool logged_in() const { return logged_in_; }
  /// The server goes down: a client without login is told and closed. Sessions end with their workers.
  void shut_down();

 private:
  enum class State : std::uint8_t { handshake, dialogue, handing_over, tls_end, lingering, done };

  void received(std::string_view octets);
  void ended();
  void drained();
  void failed(const Error& error);
  void begin_dialogue();
  void start_handshake(bool implicit);
  void pump();
  void begin_hand_over();
  void stay(master::Admission admission, std::string_view text);
  void linger();
  void finish(std::string_view why);

  loop::Loop& loop_;
  ClientHost& host_;
  const ClientSettings& settings_;
  std::uint64_t number_;
  bool implicit_tls_;
  Asker asker_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Engine> engine_;
  tls::Connection connection_;
  loop::Timer timer_;
  Handover handover_;
  Fd worker_end_;  ///< our end of the pair, until the worker has the other
  std::optional<TlsEnd> tls_end_;
  std::string tls_version_;
  bool logged_in_ = false;
  State state_ = State::dialogue;
};

}  // namespace facteur::login
