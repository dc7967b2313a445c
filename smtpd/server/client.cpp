#include "smtpd/server/client.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/socket.h>
#include <utility>

#include "common/log/log.h"

namespace facteur::smtpd {

Client::Client(const Surroundings& surroundings, std::shared_ptr<const Listener> listener, Fd socket, ClientFacts facts,
               std::function<void()> gone)
    : around_(surroundings),
      listener_(std::move(listener)),
      limits_(listener_->limits_for(facts.ip)),
      facts_(std::move(facts)),
      gone_(std::move(gone)),
      login_(around_.authd, facts_.ip.to_string()),
      connection_(around_.loop, std::move(socket)),
      deadline_(limits_),
      timer_(around_.loop),
      pause_(around_.loop) {
}

Client::~Client() {
  *alive_ = false;
  if (session_) log::info("disconnect from {} {}", session_->peer(), session_->statistics());
}

void Client::start() {
  connection_.open({.data = [this](std::string_view octets) { received(octets); },
                    .end =
                        [this] {
                          peer_ended_ = true;
                          if (closing_ || !session_) return finish();
                          session_->end_of_input();
                          pump();
                        },
                    .drained = [this] { pump(); },
                    .failed =
                        [this](const Error& error) {
                          if (session_ && !closing_) session_->end_of_input();
                          if (error.kind == Kind::protocol) log::info("{}: {}", facts_.ip.to_string(), error.text);
                          finish();
                        }});
  // What comes before the greeting waits in the kernel; the session is told of it (early talkers).
  connection_.pause();
  timer_.start(limits_.timeout, [this] { finish(); });
  is_counted_ = facts_.role == Role::local || !listener_->limits_count(facts_);
  if (!is_counted_) {
    counted_ = around_.authd.connections().begin(caller(), listener_->connection_count_limit,
                                                 [this](bool may_be_served) { counted(may_be_served); });
  }
  if (facts_.role == Role::local || around_.resolver == nullptr) return named(facts_.name);
  name_ = around_.resolver->confirmed_name(facts_.ip, [this](std::string name) { named(std::move(name)); });
}

void Client::refuse(const smtp::Reply& reply) {
  connection_.open({.data = [](std::string_view) {},
                    .end = [this] { finish(); },
                    .drained = {},
                    .failed = [this](const Error&) { finish(); }});
  say_refused(reply);
}

void Client::say_refused(const smtp::Reply& reply) {
  log::warning("{} refused: {}", caller(), reply.line());
  connection_.write(reply.wire());
  close();
}

void Client::counted(bool may_be_served) {
  if (finished_) return;
  is_counted_ = true;
  if (may_be_served) return begin();
  name_.reset();
  say_refused(listener_->too_many(caller()));
}

void Client::named(std::string name) {
  facts_.name = std::move(name);
  is_named_ = true;
  begin();
}

/// Once the connection is counted and its name is known.
void Client::begin() {
  if (!is_counted_ || !is_named_) return;
  if (facts_.role != Role::local) log::info("connect from {}[{}]", facts_.name, facts_.ip.to_string());
  connection_.resume();
  session_.emplace(limits_, facts_, Services{around_.recipients, login_, around_.queue, [](std::string_view line) {
                                               log::write(log::Level::info, line);
                                             }});
  session_->on_change([this] { pump(); });
  if (listener_->implicit_tls) return start_tls([this] { greet(); });
  greet();
}

/// A client that speaks before it was greeted (RFC 5321 section 3.1) is no mail server, mostly.
void Client::greet() {
  char octet = 0;
  const bool early = !connection_.secure() && ::recv(connection_.descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  if (early) log::info("improper command pipelining after CONNECT from {}", session_->peer());
  session_->greet();
  pump();
}

void Client::received(std::string_view octets) {
  if (closing_ || finished_ || shaking_hands_ || !session_) return;
  session_->feed(octets);
  pump();
}

/// Hands over what the session says and does what it wants next. Never from within itself: writing may tell `drained`.
void Client::pump() {
  if (closing_ || finished_ || shaking_hands_ || !session_ || std::exchange(pumping_, true)) return;
  connection_.write(session_->take_output());
  obey(session_->next());
  pumping_ = false;
}

void Client::obey(Next next) {
  if (next == Next::close) return close();
  if (next == Next::tls) {
    return start_tls([this] { pump(); });
  }
  if (next == Next::pause && !pause_.running()) resume_later();
  const bool read = session_->wants_input() && connection_.buffered() < max_unsent;
  if (read) {
    connection_.resume();
  } else {
    connection_.pause();
  }
  keep_time();
}

void Client::resume_later() {
  pause_.start(limits_.error_sleep_time, [this] {
    session_->resume();
    pump();
  });
}

void Client::start_tls(std::function<void()> then) {
  shaking_hands_ = true;
  timer_.start(limits_.starttls_timeout, [this] {
    log::info("SSL_accept error from {}: timeout", session_->peer());
    finish();
  });
  connection_.start_tls(listener_->tls, tls::Side::server, {},
                        [this, then = std::move(then)](Result<tls::Agreed> agreed) {
                          shaking_hands_ = false;
                          timer_.stop();
                          if (!agreed) {
                            log::info("SSL_accept error from {}: {}", session_->peer(), agreed.error().text);
                            return finish();
                          }
                          login_.tls_started();
                          session_->tls_started(fmt::format("{} with cipher {} ({}/{} bits)", agreed->protocol,
                                                            agreed->cipher, agreed->bits, agreed->bits));
                          then();
                        });
}

/// The timer is set anew only when it rings: most requests end long before.
void Client::keep_time() {
  const bool fresh = deadline_.end() == MonotonicTime{};
  const auto end = deadline_.update(session_->deadline(), monotonic_now());
  if (fresh || !timer_.running() || end < timer_end_) check_time();
}

void Client::check_time() {
  const auto now = monotonic_now();
  timer_end_ = deadline_.end();
  if (now < timer_end_) {
    const auto wait = std::chrono::ceil<Milliseconds>(timer_end_ - now);
    return timer_.start(wait, [this] { check_time(); });
  }
  session_->expire();
  pump();
}

void Client::shut_down() {
  if (closing_ || finished_) return;
  if (!session_ || shaking_hands_) return finish();
  session_->shut_down();
  pump();
}

/// The last reply is on its way: FIN behind it, then the client has a moment to read it.
void Client::close() {
  closing_ = true;
  pause_.stop();
  connection_.finish_writing();
  if (peer_ended_ && connection_.buffered() == 0) return finish();
  connection_.resume();
  timer_.start(linger, [this] { finish(); });
}

void Client::finish() {
  if (std::exchange(finished_, true)) return;
  timer_.stop();
  pause_.stop();
  name_.reset();
  around_.loop.post([this, alive = alive_] {
    if (*alive) gone_();
  });
}

}  // namespace facteur::smtpd
