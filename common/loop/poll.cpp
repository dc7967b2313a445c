#include "common/loop/poll.h"

#include <cerrno>

#include "common/base/result.h"
#include "common/loop/impl.h"

namespace facteur::loop {

struct Poll::Impl {
  uv_poll_t poll{};
  Handler handler;
  int events = 0;

  static void ready(uv_poll_t* poll, int status, int events) {
    auto& self = *static_cast<Impl*>(poll->data);
    const auto call = self.handler;  // a copy: the handler may destroy the Poll
    if (!call) return;
    if (status < 0) return self.failed(call);
    call((events & (UV_READABLE | UV_DISCONNECT)) != 0, (events & UV_WRITABLE) != 0);
  }

  /// An error is told as whatever was waited for: the next read or write says what it is. libuv stops a handle with an
  /// error, but octets that came before it are read first, so the watching goes on.
  void failed(const Handler& call) {
    call((events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0);
    if (handler && events != 0) check(uv_poll_start(&poll, events, ready) == 0, "uv_poll_start");
  }
};

Poll::Poll(Loop& loop) : loop_(loop) {
}

Poll::~Poll() {
  stop();
}

void Poll::watch(int fd, bool readable, bool writable, Handler handler) {
  stop();
  impl_ = new Impl;
  impl_->poll.data = impl_;
  impl_->handler = std::move(handler);
  const int made = uv_poll_init(&loop_.impl().loop, &impl_->poll, fd);
  check(made == 0, "uv_poll_init: the descriptor cannot be watched, or is watched already");
  change(readable, writable);
}

void Poll::change(bool readable, bool writable) {
  if (impl_ == nullptr) return;
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (events == impl_->events) return;
  impl_->events = events;
  if (events == 0) {
    uv_poll_stop(&impl_->poll);
  } else {
    check(uv_poll_start(&impl_->poll, events, Impl::ready) == 0, "uv_poll_start");
  }
}

void Poll::stop() {
  Impl* impl = std::exchange(impl_, nullptr);
  if (impl == nullptr) return;
  impl->handler = nullptr;
  uv_poll_stop(&impl->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&impl->poll),
           [](uv_handle_t* handle) { delete static_cast<Impl*>(handle->data); });
}

}  // namespace facteur::loop
