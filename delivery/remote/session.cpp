// Whatever happens (octets, a timer, a piece of the file) ends in pump(), which does what the engine now wants.

#include "delivery/remote/session.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

#include "common/base/in_hand.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/net/connect.h"

namespace facteur::remote {

namespace {

/// "mx.example.org[192.0.2.1]"; a host that is only an address is named by it.
std::string name_with_ip(const queue::Target& target) {
  const bool named = !target.host.empty() && target.host.front() != '[';
  return (named ? target.host : target.ip) + "[" + target.ip + "]";
}

Client::Options client_options(const Environment& environment, const Session::Place& place) {
  const auto& settings = environment.settings;
  return {.name = settings.smtp_helo_name.empty() ? settings.hostname : settings.smtp_helo_name,
          .peer = name_with_ip(place.target),
          .port = place.target.port,
          .tls = environment.tls ? place.tls : config::TlsLevel::none,
          .lmtp = place.lmtp,
          .line_length_limit = static_cast<std::size_t>(settings.smtp_line_length_limit),
          .convert = !settings.disable_mime_output_conversion};
}

struct Limit {
  Deadline deadline;
  Seconds config::Settings::* setting;
};
constexpr std::array<Limit, 8> limits{{
    {Deadline::helo, &config::Settings::smtp_helo_timeout},
    {Deadline::starttls, &config::Settings::smtp_starttls_timeout},
    {Deadline::mail, &config::Settings::smtp_mail_timeout},
    {Deadline::rcpt, &config::Settings::smtp_rcpt_timeout},
    {Deadline::data_init, &config::Settings::smtp_data_init_timeout},
    {Deadline::data_xfer, &config::Settings::smtp_data_xfer_timeout},
    {Deadline::data_done, &config::Settings::smtp_data_done_timeout},
    {Deadline::rset, &config::Settings::smtp_rset_timeout},
}};

}  // namespace

std::string Session::Place::key() const {
  return fmt::format("{}|{}|{}|{}|{}", target.host, target.ip, target.port, lmtp, static_cast<int>(tls));
}

Session::Session(Environment& environment, Place place)
    : environment_(environment),
      place_(std::move(place)),
      client_(client_options(environment_, place_)),
      deadline_(environment.loop) {
}

Session::~Session() = default;

std::string Session::peer() const {
  return fmt::format("{}:{}", name_with_ip(place_.target), place_.target.port);
}

void Session::deliver(Mail mail, std::shared_ptr<MessageSource> source, std::function<void(Report)> done) {
  source_ = std::move(source);
  queue_id_ = mail.queue_id;
  done_ = std::move(done);
  reused_ = connection_ != nullptr;
  client_.send(std::move(mail));
  if (!connection_) return connect();
  environment_.loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

// Connecting ----------------------------------------------------------------------------------------------------------

void Session::connect() {
  const auto ip = net::Ip::parse(place_.target.ip);
  if (!ip) {
    environment_.loop.post([weak = weak_from_this()] {
      if (const auto self = weak.lock())
        self->fail_all("4.4.3", "not an address: " + printable(self->place_.target.ip, 80));
    });
    return;
  }
  const auto& settings = environment_.settings;
  const auto& from = ip->is_v4() ? settings.smtp_bind_address : settings.smtp_bind_address6;
  connecting_ = net::connect(
      environment_.loop, {*ip, place_.target.port},
      std::chrono::duration_cast<Milliseconds>(settings.smtp_connect_timeout),
      [this](Result<Fd> socket) {
        const auto self = shared_from_this();
        connected(std::move(socket));
      },
      net::Ip::parse(from).value_or(net::Ip()));
}

void Session::connected(Result<Fd> socket) {
  if (!socket) {
    const auto& error = socket.error();
    const bool slow = error.kind == Kind::timeout;
    const auto colon = error.text.find(": ");  // "connect: Connection refused"
    const auto why = slow ? "Connection timed out" : error.text.substr(colon == error.text.npos ? 0 : colon + 2);
    return fail_all("4.4.1", "connect to " + peer() + ": " + why);
  }
  // What is written is always all there is to say: waiting for more (RFC 896) only costs a delayed acknowledgement.
  const int on = 1;
  ::setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connected_at_ = monotonic_now();
  connection_ = std::make_unique<tls::Connection>(environment_.loop, std::move(*socket));
  const auto guarded = [this](auto act) {
    return [weak = weak_from_this(), act](auto... arguments) {
      const auto self = weak.lock();
      if (!self) return;
      const InHand noted(self->queue_id_);
      act(arguments...);
      self->pump();
    };
  };
  connection_->open({.data = guarded([this](std::string_view octets) { client_.feed(octets); }),
                     .end = guarded([this] { client_.lost(); }),
                     .drained = guarded([] {}),
                     .failed = guarded([this](const Error&) { client_.lost(); })});
  pump();
}

void Session::start_tls() {
  handshaking_ = true;
  const auto& host = place_.target.host;
  // A literal is no name for SNI (RFC 6066 section 3).
  const bool is_name = !host.empty() && !net::Ip::parse(host) && host.front() != '[';
  connection_->start_tls(environment_.tls, tls::Side::client, is_name ? host : "",
                         [weak = weak_from_this()](const Result<tls::Agreed>& agreed) {
                           const auto self = weak.lock();
                           if (!self) return;
                           self->handshaking_ = false;
                           if (agreed) {
                             self->client_.tls_started();
                           } else {
                             log::info("TLS with {} failed: {}", self->peer(), printable(agreed.error().text));
                             self->client_.tls_failed(agreed.error().text);
                           }
                           self->pump();
                         });
}

// The message ---------------------------------------------------------------------------------------------------------

void Session::pump() {
  if (!connection_) return;
  if (client_.established() && mail_began_ == MonotonicTime{}) mail_began_ = monotonic_now();
  connection_->write(client_.take_output());
  if (client_.wants_tls() && !handshaking_) start_tls();
  if (client_.wants_content()) read_content();
  watch_deadline();
  if (done_ && (client_.finished() || client_.retry_in_clear())) return report();
  if (client_.closed()) connection_.reset();
}

void Session::read_content() {
  if (reading_ || connection_->buffered() > max_buffered) return;
  const auto octets = std::make_shared<Result<std::string>>();
  const auto read = [source = source_, octets, queue_id = queue_id_] {
    const InHand noted(queue_id);
    if (source->finished()) source->rewind();  // it was read to see how it can be converted
    *octets = source->next();
  };
  reading_ = environment_.loop.work(read, [this, octets] {
    const auto self = shared_from_this();
    reading_.reset();
    give_content(*octets);
    pump();
  });
}

void Session::give_content(const Result<std::string>& octets) {
  if (!octets) {
    log::warning("queue file: {}", printable(octets.error().text));
    return client_.content_failed(octets.error().text);
  }
  client_.give_content(*octets, source_->finished());
}

void Session::watch_deadline() {
  if (client_.closed() || client_.ready()) return deadline_.stop();
  if (deadline_.running() && seen_progress_ == client_.progress()) return;
  seen_progress_ = client_.progress();
  deadline_.start(limit_of(client_.deadline()), [this] {
    const auto self = shared_from_this();
    client_.timed_out();
    pump();
  });
}

Milliseconds Session::limit_of(Deadline deadline) const {
  return std::chrono::duration_cast<Milliseconds>(environment_.settings.*
                                                  limits[static_cast<std::size_t>(deadline)].setting);
}

// Results -------------------------------------------------------------------------------------------------------------

void Session::report() {
  Report report;
  report.retry_in_clear = client_.retry_in_clear();
  report.stale = reused_ && client_.closed() && client_.untouched();
  report.established = client_.established();
  report.mail_began = reused_ ? MonotonicTime{} : mail_began_;
  report.outcomes = client_.take_outcomes();
  const auto delivered = [](const Outcome& outcome) { return outcome.result.fate == queue::Fate::delivered; };
  if (client_.converts() && std::ranges::any_of(report.outcomes, delivered)) {
    log::info("{}: 8-bit content was converted: no 8BITMIME at {}", queue_id_, peer());
  }
  if (!connection_) {
    for (auto& outcome : report.outcomes) outcome.result.relay = "none";
  }
  source_.reset();
  reading_.reset();
  watch_deadline();
  if (client_.closed()) connection_.reset();
  const auto done = std::exchange(done_, nullptr);
  done(std::move(report));
}

void Session::fail_all(const std::string& status, const std::string& text) {
  client_.abandon(status, text);
  report();
}

void Session::give_up(const std::string& why) {
  connecting_.reset();
  if (!done_) return quit();
  fail_all("4.4.2", why);
}

void Session::drop() {
  done_ = nullptr;
  deadline_.stop();
  connecting_.reset();
  reading_.reset();
  connection_.reset();
}

bool Session::reusable() const {
  return connection_ && !done_ && client_.ready();
}

void Session::quit() {
  deadline_.stop();
  if (!connection_) return;
  client_.quit();
  connection_->write(client_.take_output());
  connection_->finish_writing();
  connection_.reset();
}

}  // namespace facteur::remote
