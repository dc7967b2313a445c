// A door: our end of a SOCK_SEQPACKET pair to one peer process. Messages in, messages out, descriptors with them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/ipc/message.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"

namespace facteur::ipc {

/// One end of a door on a loop. A message that is not on the list, or with left-over octets, closes the door and never
/// ends the process; so does a peer that is gone. After that send() fails, and on_close has run once.
class Door {
 public:
  /// Takes over the descriptor. `name` is the peer's, for the log.
  Door(loop::Loop& loop, Fd socket, std::string name);
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// What to do with messages of type M. Handlers may close or destroy the door.
  template <Message M>
  void on(std::function<void(M)> handler) {
    handlers_[M::type] = [this, handler = std::move(handler)](Packet packet) {
      auto message = decode<M>(std::move(packet));
      if (!message) return close(message.error().text);
      handler(std::move(*message));
    };
  }
  /// Runs once when the door has closed, before on_close: for the one who made the door, not its owner.
  void on_loss(std::function<void()> handler) { on_loss_ = std::move(handler); }
  /// Runs once when the door has closed; `why` is for the log. It may destroy the door.
  void on_close(std::function<void(std::string why)> handler) { on_close_ = std::move(handler); }
  /// Starts to read: after the handlers are in place.
  void open();

  /// Sends or queues a message. False, with the message dropped, when the door is closed or its out-queue of
  /// `max_queued` messages is full: what depended on it has failed for now.
  template <Message M>
  bool send(M message) {
    return send_packet(encode(std::move(message)));
  }
  bool send_packet(Packet packet);
  /// For a message that the peer waits for: when it cannot be sent the peer hears at least that the door is gone. The
  /// door closes on a later turn of the loop.
  template <Message M>
  void send_or_close(M message) {
    if (!send(std::move(message))) hang_up();
  }
  void close(const std::string& why);
  [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }
  [[nodiscard]] std::size_t queued() const { return out_.size(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// A second descriptor of our end, to hand the peer on to another process.
  [[nodiscard]] Fd duplicate() const { return socket_.duplicate(); }

  static constexpr std::size_t max_queued = 4096;

 private:
  void ready(bool readable, bool writable);
  void hang_up();
  void read_some();
  void write_some();
  void watch();
  void dispatch(Packet packet);

  Fd socket_;
  std::string name_;
  loop::Poll poll_;
  std::deque<Packet> out_;
  std::unordered_map<std::uint16_t, std::function<void(Packet)>> handlers_;
  std::function<void()> on_loss_;
  std::function<void(std::string)> on_close_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool open_ = false;
};

/// A connected pair of descriptors for a door (SOCK_SEQPACKET, close-on-exec, non-blocking).
[[nodiscard]] Result<std::pair<Fd, Fd>> make_pair();
/// One message over a blocking or non-blocking descriptor, outside any loop. Kind::closed if the peer is gone,
/// Kind::temporary if it would block.
[[nodiscard]] Result<> send_now(int socket, Packet& packet);
[[nodiscard]] Result<Packet> receive_now(int socket);

}  // namespace facteur::ipc
