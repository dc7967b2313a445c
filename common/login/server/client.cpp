#include "common/login/server/client.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::login {

namespace {
/// Octets read beyond the login that a hand-over may carry; a message has 64 KiB.
constexpr std::size_t most_rest = 60000;
/// How long a client may take to read the last words and close.
constexpr Milliseconds linger_time{2000};
/// How long master may take to find a worker.
constexpr Milliseconds hand_over_time{30000};

/// Both ends of a stream for the clear text of a TLS session.
Result<std::pair<Fd, Fd>> stream_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) < 0) {
    return fail_errno("socketpair", errno);
  }
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}
}  // namespace

Client::Client(loop::Loop& loop, ClientHost& host, AuthClient& auth, const ClientSettings& settings,
               std::uint64_t number, Fd socket, const net::Ip& ip, Options options, bool implicit_tls)
    : loop_(loop),
      host_(host),
      settings_(settings),
      number_(number),
      implicit_tls_(implicit_tls),
      asker_{ip.to_string(), implicit_tls},
      authenticator_(auth.authenticator(asker_)),
      engine_(settings.protocol->make_engine(*authenticator_, std::move(options))),
      connection_(loop, std::move(socket)),
      timer_(loop) {
  engine_->on_change([this] { pump(); });
}

Client::~Client() = default;

void Client::start() {
  connection_.open({.data = [this](std::string_view octets) { received(octets); },
                    .end = [this] { ended(); },
                    .drained = [this] { drained(); },
                    .failed = [this](const Error& error) { failed(error); }});
  if (implicit_tls_) return start_handshake(true);
  begin_dialogue();
}

void Client::begin_dialogue() {
  timer_.start(settings_.login_time, [this] { expire(); });
  state_ = State::dialogue;
  engine_->greet();
  pump();
}

/// After STLS or STARTTLS the time for the login goes on once the handshake is done.
void Client::start_handshake(bool implicit) {
  state_ = State::handshake;
  timer_.start(settings_.handshake_time, [this] { expire(); });
  connection_.start_tls(settings_.tls, tls::Side::server, {}, [this, implicit](Result<tls::Agreed> agreed) {
    if (!agreed) return finish(agreed.error().text);
    tls_version_ = agreed->protocol;
    asker_.tls = true;
    if (implicit) return begin_dialogue();
    timer_.start(settings_.login_time, [this] { expire(); });
    state_ = State::dialogue;
    engine_->tls_started();
    pump();
  });
}

void Client::received(std::string_view octets) {
  if (state_ == State::tls_end) return tls_end_->client_data(octets);
  if (state_ != State::dialogue) return;
  engine_->feed(octets);
  pump();
}

/// Sends what the engine has to say and does what it wants next.
void Client::pump() {
  if (state_ != State::dialogue) return;
  connection_.write(engine_->take_output());
  switch (engine_->next()) {
    case Next::input: return connection_.resume();
    case Next::wait: return connection_.pause();
    case Next::tls: return start_handshake(false);
    case Next::close: return linger();
    case Next::hand_over:
      connection_.pause();
      state_ = State::handing_over;
      // The worker writes to the same socket, so all we said must be out first.
      if (connection_.buffered() == 0) begin_hand_over();
  }
}

void Client::begin_hand_over() {
  handover_ = engine_->handover();
  const bool tls = connection_.secure();
  master::Handover request{
      number_, handover_.ticket, settings_.protocol->service, asker_.client_ip, tls, handover_.tag, handover_.rest, {}};
  if (tls) {
    auto pair = stream_pair();
    if (pair) {
      worker_end_ = std::move(pair->first);
      request.client = std::move(pair->second);
    }
  } else {
    request.client = Fd(::fcntl(connection_.descriptor(), F_DUPFD_CLOEXEC, 0));
  }
  const bool asked =
      request.client && handover_.rest.size() <= most_rest && host_.hand_over(number_, std::move(request));
  timer_.start(asked ? hand_over_time : Milliseconds{0},
               [this] { handed_over(master::Admission::unavailable, "no answer"); });
}

void Client::handed_over(master::Admission admission, std::string_view text) {
  if (state_ != State::handing_over) return;
  if (admission != master::Admission::served) return stay(admission, text);
  timer_.stop();
  logged_in_ = true;
  log::info("login: user=<{}>, client=[{}], tls={}", printable(handover_.user), asker_.client_ip,
            tls_version_.empty() ? "no" : tls_version_);
  // The engine and what it knows of the password are not needed behind the login.
  engine_.reset();
  authenticator_.reset();
  host_.logged_in(number_);
  if (!connection_.secure()) return finish("");
  state_ = State::tls_end;
  tls_end_.emplace(loop_, connection_, std::move(worker_end_), [this] { finish(""); });
  connection_.resume();
}

/// No worker has the client: it hears why from us.
void Client::stay(master::Admission admission, std::string_view text) {
  const bool crowded = admission == master::Admission::crowded;
  log::warning("user=<{}>, client=[{}]: {}", printable(handover_.user), asker_.client_ip,
               crowded ? printable(text) : "no worker could be had");
  worker_end_.reset();
  crowded ? engine_->too_many_sessions(text) : engine_->handover_failed();
  state_ = State::dialogue;
  pump();
}

void Client::ended() {
  if (state_ == State::tls_end) return tls_end_->client_end();
  // A client that closes while master looks for a worker: the worker will see it.
  if (state_ == State::handing_over) return;
  finish("connection closed");
}

void Client::drained() {
  if (state_ == State::tls_end) return tls_end_->client_drained();
  if (state_ == State::handing_over && handover_.ticket.empty()) begin_hand_over();
}

void Client::failed(const Error& error) {
  if (state_ == State::tls_end) return tls_end_->client_failed();
  finish(error.text);
}

void Client::expire() {
  if (state_ == State::handshake) return finish("TLS handshake not done in time");
  if (state_ != State::dialogue) return;
  engine_->expire();
  pump();
}

void Client::shut_down() {
  if (state_ == State::handshake) return finish("shutting down");
  if (state_ != State::dialogue) return;
  engine_->shut_down();
  pump();
}

/// Closes after the last words are read: what the client still sends is dropped, lest a reset overtakes them.
void Client::linger() {
  state_ = State::lingering;
  connection_.finish_writing();
  connection_.resume();
  timer_.start(linger_time, [this] { finish(""); });
}

void Client::finish(std::string_view why) {
  if (state_ == State::done) return;
  if (!logged_in_) {
    log::info("client=[{}]: ended without login{}{}", asker_.client_ip, why.empty() ? "" : ": ", printable(why));
  }
  state_ = State::done;
  timer_.stop();
  connection_.pause();
  host_.finished(number_);
}

}  // namespace facteur::login
