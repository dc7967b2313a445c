// A connected stream socket on a loop: octets in as they come, octets out through a buffer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/loop/loop.h"
#include "common/loop/poll.h"

namespace facteur::net {

/// What a stream tells its owner. Every handler may destroy the stream.
struct StreamHandlers {
  std::function<void(std::string_view octets)> data;
  std::function<void()> end;                 ///< the peer will send no more; writing may go on
  std::function<void()> drained;             ///< everything written has been taken by the kernel
  std::function<void(const Error&)> failed;  ///< the connection is gone; told once, nothing follows
};

/// Owns the socket. Reading begins with open() and can be paused; what is written waits in a buffer that the owner
/// bounds by looking at buffered() and pausing what feeds it.
class Stream {
 public:
  Stream(loop::Loop& loop, Fd socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void open(StreamHandlers handlers);
  void write(std::string_view octets);
  [[nodiscard]] std::size_t buffered() const { return out_.size() - out_done_; }
  void pause();
  void resume();
  [[nodiscard]] bool paused() const { return paused_; }
  /// Sends FIN once the buffer is out; reading goes on.
  void finish_writing();
  /// Gives the socket away, unwatched. What is buffered is lost, so only when buffered() is 0.
  [[nodiscard]] Fd release();
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  void ready(bool readable, bool writable);
  void read_some();
  bool write_some();
  void fail_with(std::string_view call, int errno_value);
  void watch();

  Fd socket_;
  loop::Poll poll_;
  StreamHandlers handlers_;
  std::string out_;
  std::size_t out_done_ = 0;  ///< octets of out_ that the kernel has
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool opened_ = false;
  bool paused_ = false;
  bool ended_ = false;      ///< the peer has sent FIN
  bool finishing_ = false;  ///< FIN follows the buffer
  bool finished_ = false;
};

}  // namespace facteur::net
