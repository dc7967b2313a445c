// What a worker's connection knows of its protocol's engine: octets in, octets out, and when it ends.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace facteur::login {

/// One client's dialogue behind login, without I/O.
class SessionEngine {
 public:
  virtual ~SessionEngine() = default;
  /// Octets as they arrive, in any pieces.
  virtual void feed(std::string_view octets) = 0;
  /// What is to be sent now. Call it while there is room, until it gives nothing: taking lets a long answer go on.
  [[nodiscard]] virtual std::string take_output() = 0;
  /// False while enough input waits, or enough output is unsent: nothing more is read then.
  [[nodiscard]] virtual bool wants_input() const = 0;
  /// True while the session waits for the client: all that came is answered.
  [[nodiscard]] virtual bool idle() const = 0;
  /// True when the connection ends behind the output.
  [[nodiscard]] virtual bool closed() const = 0;
  /// The client has been silent for too long.
  virtual void time_out() = 0;
  /// The server goes down: says so where the protocol allows, then ends.
  virtual void shut_down() = 0;
  /// Called whenever what the functions above return may have changed by itself. It may not destroy the engine.
  virtual void on_change(std::function<void()> handler) = 0;
};

}  // namespace facteur::login
