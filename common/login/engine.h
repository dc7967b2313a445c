// What a login server knows of its protocol's engine: octets in, octets out, and the three things that may become of a
// connection before it has an owner (closed, TLS, handed over).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::login {

/// What the connection needs next, once all output is sent.
enum class Next : std::uint8_t {
  input,      ///< feed() it
  wait,       ///< nothing until on_change: authd is asked. What is fed meanwhile is kept, so better not read
  tls,        ///< STLS or STARTTLS was accepted: shake hands, then tls_started()
  hand_over,  ///< logged in: give handover() to master
  close,      ///< end the connection
};

/// A client whose login is good, on its way to a worker. The worker gives the reply to the command that logged in.
struct Handover {
  std::string ticket;  ///< authd's
  std::string user;    ///< for the log
  std::string tag;     ///< of the command that logged in; empty in POP3
  std::string rest;    ///< octets the client sent behind that command: the worker reads them first
};

/// One client's dialogue before login, without I/O.
class Engine {
 public:
  virtual ~Engine() = default;
  /// The greeting; first call of all, after the handshake if TLS came first.
  virtual void greet() = 0;
  /// Octets as they arrive, in any pieces.
  virtual void feed(std::string_view octets) = 0;
  /// What is to be sent now.
  [[nodiscard]] virtual std::string take_output() = 0;
  [[nodiscard]] virtual Next next() const = 0;
  /// The TLS handshake that Next::tls asked for is done. What was read in clear is forgotten (RFC 2595 section 4).
  virtual void tls_started() = 0;
  /// What master needs when next() is Next::hand_over; once.
  [[nodiscard]] virtual Handover handover() = 0;
  /// The worker cannot be had: tells the client that this is our fault; next() is Next::close then.
  virtual void handover_failed() = 0;
  /// The user has too many sessions already: tells the client that, in these words; next() is Next::close then.
  virtual void too_many_sessions(std::string_view text) = 0;
  /// The time for the login is over, or the server goes down: says so if the protocol has words for it, then closes.
  virtual void expire() = 0;
  virtual void shut_down() = 0;
  /// Called whenever output or next() changed by themselves, because authd answered. It may not destroy the engine.
  virtual void on_change(std::function<void()> handler) = 0;
};

}  // namespace facteur::login
