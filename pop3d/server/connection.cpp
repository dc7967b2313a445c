#include "pop3d/server/connection.h"

#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::pop3d {

namespace {
/// How long a client may take to read the last words and close.
constexpr Milliseconds linger_time{2000};
}  // namespace

Connection::Connection(loop::Loop& loop, Executor& executor, Opener open, SessionOptions options, Seconds idle_time,
                       master::Session client, std::function<void()> finished)
    : user_(std::move(client.account.name)),
      client_ip_(std::move(client.client_ip)),
      first_octets_(std::move(client.octets)),
      idle_time_(idle_time),
      session_(executor, std::move(open), std::move(options)),
      stream_(loop, std::move(client.client)),
      timer_(loop),
      finished_(std::move(finished)) {
  session_.on_change([this] { pump(); });
}

void Connection::start() {
  stream_.open({.data = [this](std::string_view octets) { received(octets); },
                .end = [this] { ended(); },
                .drained = [this] { drained(); },
                .failed = [this](const Error&) { finish(); }});
  rest();
  session_.start();
  session_.feed(std::exchange(first_octets_, {}));
  pump();
}

void Connection::received(std::string_view octets) {
  if (lingering_ || done_) return;
  rest();
  session_.feed(octets);
  pump();
}

/// A client that has closed its side still gets the replies to what it had sent.
void Connection::ended() {
  client_ended_ = true;
  if (lingering_ && stream_.buffered() == 0) return finish();
  pump();
}

void Connection::drained() {
  if (lingering_) return client_ended_ ? finish() : timer_.start(linger_time, [this] { finish(); });
  rest();
  pump();
}

/// Moves what the session has to say to the socket while there is room, and sees what comes next.
void Connection::pump() {
  if (lingering_ || done_) return;
  while (stream_.buffered() < most_buffered) {
    const auto octets = session_.take_output();
    if (octets.empty()) break;
    stream_.write(octets);
  }
  if (session_.closed()) return linger();
  if (client_ended_ && session_.idle()) return linger();
  if (session_.wants_input() == stream_.paused()) {
    stream_.paused() ? stream_.resume() : stream_.pause();
  }
}

/// The client has been heard of: its time begins anew.
void Connection::rest() {
  if (lingering_ || done_) return;
  timer_.start(idle_time_, [this] {
    session_.expire();
    if (session_.closed()) return finish();
    rest();
  });
}

void Connection::shut_down() {
  if (lingering_ || done_) return;
  session_.shut_down();
  pump();
}

/// Closes once the last words are out and the client has closed too, or after a moment: what it still sends is dropped,
/// lest a reset overtakes them.
void Connection::linger() {
  lingering_ = true;
  const bool all_out = stream_.buffered() == 0;
  if (client_ended_ && all_out) return finish();
  stream_.finish_writing();
  if (stream_.paused()) stream_.resume();
  timer_.start(all_out ? linger_time : Milliseconds{idle_time_}, [this] { finish(); });
}

void Connection::finish() {
  if (std::exchange(done_, true)) return;
  timer_.stop();
  stream_.pause();
  const auto& totals = session_.totals();
  if (!totals.problem.empty()) {
    log::warning("user=<{}>, client=[{}]: {}", printable(user_), client_ip_, printable(totals.problem));
  }
  log::info("session ended: user=<{}>, client=[{}], top={}, retr={}, del={}/{}, size={}", printable(user_), client_ip_,
            totals.topped, totals.retrieved, totals.deleted, totals.messages, totals.octets);
  finished_();
}

}  // namespace facteur::pop3d
