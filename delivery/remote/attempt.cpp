// The walk along the hosts (RFC 5321 section 5.1): what failed for now goes on to the next one, what failed for good or
// was delivered does not.

#include "delivery/remote/attempt.h"

#include <algorithm>
#include <utility>

#include "common/log/log.h"

namespace facteur::remote {

namespace {

/// What all texts of an answer may take, so that it fits into one message of the door.
constexpr std::size_t most_text_octets = 24 * 1024;

void shorten(queue::Attempted& answer) {
  const auto most = most_text_octets / std::max<std::size_t>(answer.results.size(), 1);
  for (auto& result : answer.results) {
    if (result.text.size() > most) result.text = result.text.substr(0, most) + "...";
  }
}

}  // namespace

Attempt::Attempt(Environment& environment, ConnectionCache& cache, queue::Attempt request,
                 std::function<void(queue::Attempted)> done)
    : environment_(environment),
      cache_(cache),
      request_(std::move(request)),
      done_(std::move(done)),
      alarm_(environment.loop) {
  answer_.id = request_.id;
  for (const auto& recipient : request_.recipients) open_[recipient.number] = recipient;
}

Attempt::~Attempt() {
  if (session_) session_->drop();
}

void Attempt::start() {
  alarm_.start(std::chrono::duration_cast<Milliseconds>(most_time), [this] {
    target_ = request_.targets.size();
    if (session_) std::shared_ptr(session_)->give_up("the attempt took too long");
  });
  const auto file = std::make_shared<Fd>(std::move(request_.message));
  const auto source = std::make_shared<Result<MessageSource>>(fail(Kind::temporary, "not opened"));
  opening_ = environment_.loop.work([file, source] { *source = MessageSource::open(std::move(*file)); },
                                    [this, source] { opened(std::move(*source)); });
}

void Attempt::opened(Result<MessageSource> source) {
  if (!source) {
    log::warning("{}: {}", request_.queue_id, source.error().text);
    for (const auto& [number, recipient] : open_) {
      last_results_[number] = {number, queue::Fate::deferred, "4.3.0", "queue file unreadable", "none", false};
    }
    return finish();
  }
  source_ = std::make_shared<MessageSource>(std::move(*source));
  next_target();
}

bool Attempt::more_targets() const {
  const auto& settings = environment_.settings;
  return target_ < request_.targets.size() && target_ < settings.smtp_mx_address_limit &&
         sessions_ < settings.smtp_mx_session_limit;
}

void Attempt::next_target() {
  if (open_.empty() || !more_targets()) return finish();
  ++target_;
  talk(false, environment_.settings.smtp_tls_security_level);
}

Mail Attempt::mail() const {
  Mail mail{request_.reverse_path, {}, source_->size(), source_->eight_bit(), request_.smtputf8, request_.queue_id};
  for (const auto& [number, recipient] : open_) mail.recipients.push_back(recipient);
  return mail;
}

/// To the target before target_: on a connection of the cache, or on a new one.
void Attempt::talk(bool fresh, config::TlsLevel tls) {
  const Session::Place place{request_.targets[target_ - 1], request_.lmtp, tls};
  session_ = fresh ? nullptr : cache_.take(place);
  if (!session_) session_ = std::make_shared<Session>(environment_, place);
  source_->rewind();
  session_->deliver(mail(), source_, [this](Session::Report report) { heard(std::move(report)); });
}

void Attempt::heard(Session::Report report) {
  const auto session = std::exchange(session_, nullptr);
  const auto tls = session->place().tls;
  cache_.give(session);
  if (report.stale) return talk(true, tls);
  if (report.retry_in_clear) return talk(true, config::TlsLevel::none);
  if (report.established) {
    ++sessions_;
    any_established_ = true;
    if (report.mail_began != MonotonicTime{} || mail_began_ == MonotonicTime{}) mail_began_ = report.mail_began;
  }
  // What another host may still make good is in no result: it gets its line here.
  const auto tried = std::ranges::find(report.outcomes, true, &Outcome::try_next);
  if (tried != report.outcomes.end() && more_targets()) {
    const auto& result = tried->result;
    log::info("{}: {}{}", request_.queue_id, result.remote_reply ? "host " + result.relay + " said: " : "",
              result.text);
  }
  for (auto& outcome : report.outcomes) settle(std::move(outcome));
  next_target();
}

/// Takes what one host said of one recipient: the last word, or the last so far.
void Attempt::settle(Outcome outcome) {
  const auto number = outcome.result.number;
  last_results_[number] = std::move(outcome.result);
  if (!outcome.try_next) open_.erase(number);
}

void Attempt::finish() {
  alarm_.stop();
  for (const auto& recipient : request_.recipients) {
    const auto result = last_results_.find(recipient.number);
    answer_.results.push_back(result != last_results_.end()
                                  ? result->second
                                  : queue::RecipientResult{recipient.number, queue::Fate::deferred, "4.4.4",
                                                           "no host to connect to", "none", false});
  }
  const auto now = monotonic_now();
  const auto ms = [](auto span) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<Milliseconds>(span).count());
  };
  const auto split = mail_began_ == MonotonicTime{} ? (any_established_ ? began_ : now) : mail_began_;
  answer_.setup_ms = ms(split - began_);
  answer_.transfer_ms = ms(now - split);
  answer_.site_dead = !any_established_ && source_ != nullptr;
  shorten(answer_);
  const auto done = std::exchange(done_, nullptr);
  done(std::move(answer_));
}

}  // namespace facteur::remote
