#include "common/login/server/tls_end.h"

#include <utility>

namespace facteur::login {

TlsEnd::TlsEnd(loop::Loop& loop, tls::Connection& client, Fd worker, std::function<void()> finished)
    : client_(client), worker_(loop, std::move(worker)), timer_(loop), finished_(std::move(finished)) {
  worker_.open({.data = [this](std::string_view octets) { worker_data(octets); },
                .end = [this] { worker_end(); },
                .drained =
                    [this] {
                      client_.resume();
                      finish_if_done();
                    },
                .failed = [this](const Error&) { worker_end(); }});
}

void TlsEnd::client_data(std::string_view octets) {
  if (done_ || worker_ended_) return;  // nobody reads it any more
  worker_.write(octets);
  if (worker_.buffered() > most_buffered) client_.pause();
}

void TlsEnd::client_end() {
  client_ended_ = true;
  worker_.finish_writing();
  finish_if_done();
}

void TlsEnd::client_drained() {
  if (done_) return;
  worker_.resume();
  finish_if_done();
}

void TlsEnd::client_failed() {
  finish();
}

void TlsEnd::worker_data(std::string_view octets) {
  if (done_) return;
  client_.write(octets);
  if (client_.buffered() > most_buffered) worker_.pause();
}

void TlsEnd::worker_end() {
  if (worker_ended_ || done_) return;
  worker_ended_ = true;
  client_.finish_writing();
  client_.resume();  // what it still sends is read and dropped, so that its close is seen
  timer_.start(linger, [this] { finish(); });
  finish_if_done();
}

void TlsEnd::finish_if_done() {
  if (client_ended_ && worker_ended_ && client_.buffered() == 0) finish();
}

void TlsEnd::finish() {
  if (std::exchange(done_, true)) return;
  timer_.stop();
  finished_();
}

}  // namespace facteur::login
