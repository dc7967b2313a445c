#include "common/net/stream.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace facteur::net {
namespace {

constexpr std::size_t read_size = 65536;
constexpr int reads_per_turn = 4;  // then others on the loop get their turn
constexpr std::size_t keep_buffer = 4096;

}  // namespace

Stream::Stream(loop::Loop& loop, Fd socket) : socket_(std::move(socket)), poll_(loop) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
  // Replies are written whole: waiting for more (Nagle) only meets the peer's delayed acknowledgement. Unix sockets
  // have no such option, and no such wait.
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Stream::~Stream() {
  *alive_ = false;
}

void Stream::open(StreamHandlers handlers) {
  handlers_ = std::move(handlers);
  opened_ = true;
  poll_.watch(socket_.get(), !paused_, buffered() > 0,
              [this](bool readable, bool writable) { ready(readable, writable); });
}

void Stream::ready(bool readable, bool writable) {
  const auto alive = alive_;
  if (writable && !write_some()) return;
  if (*alive && readable && !paused_ && socket_) read_some();
}

void Stream::read_some() {
  static thread_local std::array<char, read_size> buffer;  // one a thread: a stream at rest holds no read buffer
  const auto alive = alive_;
  for (int i = 0; i < reads_per_turn && *alive && socket_ && !paused_ && !ended_; ++i) {
    const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) return fail_with("recv", errno);
    if (count == 0) {
      ended_ = true;
      watch();
      const auto end = handlers_.end;
      if (end) end();
      return;
    }
    const auto data = handlers_.data;  // a copy: the handler may destroy the stream
    if (data) data({buffer.data(), static_cast<std::size_t>(count)});
    if (static_cast<std::size_t>(count) < buffer.size()) return;
  }
}

void Stream::write(std::string_view octets) {
  if (!socket_ || finishing_ || octets.empty()) return;
  if (buffered() == 0) {
    // The common case: the kernel takes all of it and nothing is copied. An error is told by the loop's next turn.
    const auto count = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) octets.remove_prefix(static_cast<std::size_t>(count));
    if (octets.empty()) return;
  }
  out_ += octets;
  watch();
}

bool Stream::write_some() {
  while (buffered() > 0) {
    const auto count = ::send(socket_.get(), out_.data() + out_done_, buffered(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (count < 0) {
      fail_with("send", errno);
      return false;
    }
    out_done_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  if (out_.capacity() > keep_buffer) out_.shrink_to_fit();
  out_done_ = 0;
  if (finishing_ && !finished_) {
    finished_ = true;
    ::shutdown(socket_.get(), SHUT_WR);
  }
  watch();
  const auto alive = alive_;
  const auto drained = handlers_.drained;
  if (drained) drained();
  return *alive;
}

void Stream::pause() {
  paused_ = true;
  watch();
}

void Stream::resume() {
  paused_ = false;
  watch();
}

void Stream::watch() {
  if (opened_ && socket_) poll_.change(!paused_ && !ended_, buffered() > 0 || (finishing_ && !finished_));
}

void Stream::finish_writing() {
  finishing_ = true;
  watch();
}

Fd Stream::release() {
  poll_.stop();
  return std::move(socket_);
}

void Stream::fail_with(std::string_view call, int errno_value) {
  poll_.stop();
  socket_.reset();
  const auto failed = handlers_.failed;
  if (failed) failed(Error{Kind::closed, fail_errno(call, errno_value).error().text, errno_value});
}

}  // namespace facteur::net
