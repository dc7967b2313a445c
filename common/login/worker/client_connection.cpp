#include "common/login/worker/client_connection.h"

#include <utility>

#include "common/base/in_hand.h"

namespace facteur::login {

namespace {
/// How long a client may take to close once it has read the last words.
constexpr Milliseconds linger_time{2000};
}  // namespace

ClientConnection::ClientConnection(loop::Loop& loop, Seconds idle_time, master::Session client,
                                   std::function<void()> finished)
    : user_(std::move(client.account.name)),
      client_ip_(std::move(client.client_ip)),
      tag_(std::move(client.tag)),
      first_octets_(std::move(client.octets)),
      idle_time_(idle_time),
      place_(std::move(client.place)),
      stream_(loop, std::move(client.client)),
      timer_(loop),
      finished_(std::move(finished)) {
}

void ClientConnection::start() {
  const InHand noted(user_);
  engine().on_change([this] { pump(); });
  stream_.open({.data = [this](std::string_view octets) { received(octets); },
                .end = [this] { ended(); },
                .drained = [this] { drained(); },
                .failed = [this](const Error&) { finish(); }});
  rest();
  begin(std::move(tag_));
  engine().feed(std::exchange(first_octets_, {}));
  pump();
}

void ClientConnection::received(std::string_view octets) {
  const InHand noted(user_);
  if (lingering_ || done_) return;
  octets_in_ += octets.size();
  rest();
  engine().feed(octets);
  pump();
}

/// A client that has closed its side still gets the answers to what it had sent.
void ClientConnection::ended() {
  client_ended_ = true;
  if (lingering_ && stream_.buffered() == 0) return finish();
  pump();
}

void ClientConnection::drained() {
  const InHand noted(user_);
  if (done_) return;
  if (lingering_) return client_ended_ ? finish() : timer_.start(linger_time, [this] { finish(); });
  rest();
  pump();
}

void ClientConnection::pump() {
  if (lingering_ || done_) return;
  while (stream_.buffered() < most_buffered) {
    const auto octets = engine().take_output();
    if (octets.empty()) break;
    // Before the client has read the last words: it may log in again at once.
    if (engine().closed()) place_.reset();
    octets_out_ += octets.size();
    stream_.write(octets);
  }
  if (engine().closed() || (client_ended_ && engine().idle())) return linger();
  if (engine().wants_input() == stream_.paused()) {
    stream_.paused() ? stream_.resume() : stream_.pause();
  }
  pumped();
}

/// The client has been heard of: its time begins anew.
void ClientConnection::rest() {
  if (lingering_ || done_) return;
  timer_.start(idle_time_, [this] { timed_out(); });
}

/// A client that has not even read for so long is not waited for.
void ClientConnection::timed_out() {
  engine().time_out();
  if (stream_.buffered() > 0 && engine().closed()) return finish();
  pump();
  rest();
}

void ClientConnection::shut_down() {
  if (lingering_ || done_) return;
  engine().shut_down();
  pump();
}

/// Closes once the last words are out and the client has closed too, or after a moment: what it still sends is dropped,
/// lest a reset overtakes them.
void ClientConnection::linger() {
  lingering_ = true;
  place_.reset();
  ending();
  const bool all_out = stream_.buffered() == 0;
  if (client_ended_ && all_out) return finish();
  stream_.finish_writing();
  if (stream_.paused()) stream_.resume();
  timer_.start(all_out ? linger_time : Milliseconds{idle_time_}, [this] { finish(); });
}

void ClientConnection::finish() {
  if (std::exchange(done_, true)) return;
  place_.reset();
  timer_.stop();
  ending();
  stream_.pause();
  log_end();
  finished_();
}

}  // namespace facteur::login
