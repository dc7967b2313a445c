#include "imapd/server/connection.h"

#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::imapd {

namespace {
/// How long a client may take to read the last words and close.
constexpr Milliseconds linger_time{2000};
}  // namespace

Connection::Connection(loop::Loop& loop, Executor& executor, Session::Opener open, Settings settings,
                       ConnectionTimes times, master::Session client, std::function<void()> finished)
    : user_(std::move(client.account.name)),
      client_ip_(std::move(client.client_ip)),
      tag_(std::move(client.tag)),
      first_octets_(std::move(client.octets)),
      times_(times),
      session_(executor, std::move(open), settings),
      stream_(loop, std::move(client.client)),
      timer_(loop),
      keep_alive_timer_(loop),
      poll_(loop),
      finished_(std::move(finished)) {
  session_.on_change([this] { pump(); });
}

void Connection::start() {
  stream_.open({.data = [this](std::string_view octets) { received(octets); },
                .end = [this] { ended(); },
                .drained = [this] { drained(); },
                .failed = [this](const Error&) { finish(); }});
  rest();
  session_.start(std::move(tag_));
  session_.feed(std::exchange(first_octets_, {}));
  pump();
}

void Connection::received(std::string_view octets) {
  if (lingering_ || done_) return;
  octets_in_ += octets.size();
  rest();
  session_.feed(octets);
  pump();
}

/// A client that has closed its side still gets the answers to what it had sent.
void Connection::ended() {
  client_ended_ = true;
  if (lingering_ && stream_.buffered() == 0) return finish();
  pump();
}

void Connection::drained() {
  if (done_) return;
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
    octets_out_ += octets.size();
    stream_.write(octets);
  }
  if (session_.closed() || (client_ended_ && session_.idle())) return linger();
  if (session_.wants_input() == stream_.paused()) {
    stream_.paused() ? stream_.resume() : stream_.pause();
  }
  watch();
}

/// Watches the mailbox exactly while the session waits for a change of it: its descriptor is the session's, and closed
/// by it at other times.
void Connection::watch() {
  const int wanted = session_.watching() ? session_.watch_descriptor() : -1;
  if (wanted == watched_) return;
  watch_nothing();
  if (wanted < 0) return;
  watched_ = wanted;
  poll_.watch(wanted, true, false, [this](bool, bool) {
    session_.mailbox_changed();
    pump();
  });
  keep_alive_timer_.start(times_.keep_alive, [this] { keep_alive(); });
}

void Connection::keep_alive() {
  session_.keep_alive();
  keep_alive_timer_.start(times_.keep_alive, [this] { keep_alive(); });
  pump();
}

/// The client has been heard of: its time begins anew.
void Connection::rest() {
  if (lingering_ || done_) return;
  timer_.start(times_.idle, [this] {
    session_.time_out();
    pump();
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
  watch_nothing();
  const bool all_out = stream_.buffered() == 0;
  if (client_ended_ && all_out) return finish();
  stream_.finish_writing();
  if (stream_.paused()) stream_.resume();
  timer_.start(linger_time, [this] { finish(); });
}

void Connection::watch_nothing() {
  if (watched_ >= 0) poll_.stop();
  watched_ = -1;
  keep_alive_timer_.stop();
}

void Connection::finish() {
  if (std::exchange(done_, true)) return;
  timer_.stop();
  watch_nothing();
  stream_.pause();
  log::info("session ended: user=<{}>, client=[{}], in={}, out={}", printable(user_), client_ip_, octets_in_,
            octets_out_);
  finished_();
}

}  // namespace facteur::imapd
