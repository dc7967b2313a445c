// A table says of each command what is waited for and who takes its reply; the phases say what may be sent next. Most
// of the rules are about what must not be believed.

#include "delivery/remote/client.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace facteur::remote {

namespace {

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, is_control);
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// RFC 6531 section 3.4: UTF-8 in an address may go to no server that does not offer it.
bool needs_utf8(const Mail& mail) {
  return mail.smtputf8 || !is_ascii(mail.reverse_path) ||
         !std::ranges::all_of(mail.recipients, is_ascii, &queue::AttemptRecipient::address);
}

/// The server did not keep to the protocol, or is gone.
Failure trouble(std::string status, std::string text) {
  return {false, std::move(status), std::move(text), false, true};
}

}  // namespace

const std::array<Client::Command, 10> Client::commands{{
    // named in results      named when the connection breaks                     waits up to          reply goes to
    {"", "receiving the initial server greeting", Deadline::helo, &Client::greeting},
    {"EHLO command", "performing the EHLO handshake", Deadline::helo, &Client::ehlo},
    {"HELO command", "performing the HELO handshake", Deadline::helo, &Client::helo},
    {"LHLO command", "performing the LHLO handshake", Deadline::helo, &Client::ehlo},
    {"STARTTLS command", "performing the TLS handshake", Deadline::starttls, &Client::starttls},
    {"MAIL FROM command", "sending MAIL FROM", Deadline::mail, &Client::mail},
    {"RCPT TO command", "sending RCPT TO", Deadline::rcpt, &Client::rcpt},
    {"DATA command", "sending the DATA command", Deadline::data_init, &Client::data},
    {"end of DATA command", "sending end of data -- message may be sent more than once", Deadline::data_done,
     &Client::end_of_data},
    {"RSET command", "sending RSET", Deadline::rset, &Client::rset},
}};

Client::Client(Options options) : options_(std::move(options)), encoder_(options_.line_length_limit) {
  expected_.push_back({Verb::greeting});
}

// What the server says
// -------------------------------------------------------------------------------------------------

void Client::feed(std::string_view octets) {
  if (closed()) return;
  in_.append(octets);
  if (wants_tls_) return broken("the server talks before the TLS handshake");
  run();
}

/// Takes whole replies out of the buffer. A loop: a server may send many at once.
void Client::run() {
  while (!closed() && !wants_tls_) {
    const auto reply = parser_.next(in_);
    if (!reply) return broken(reply.error().text);
    if (!*reply) return;
    handle(**reply);
  }
}

void Client::handle(const smtp::Reply& reply) {
  ++progress_;
  touched_ = true;
  const bool negative = reply.temporary() || reply.permanent();
  if (expected_.empty()) {
    // A server that cannot go on says so when it likes (RFC 5321 section 3.8); nothing else may come unasked. In the
    // middle of the content it is the last word on this message, since no whole message will arrive.
    if (!negative) return broken("a reply to no command: " + printable(reply.line(), Transaction::max_text));
    return close(failure_of(reply, phase_ == Phase::content ? "message body" : ""));
  }
  const auto [verb, recipient] = expected_.front();
  expected_.pop_front();
  const bool fits = negative || (verb == Verb::data ? reply.intermediate() : reply.positive());
  if (!fits) {
    return broken("unexpected reply to " + std::string(command(verb).name) + ": " +
                  printable(reply.line(), Transaction::max_text));
  }
  (this->*command(verb).handle)(reply, recipient);
  if (reply.code == 421 && !closed()) close(failure_of(reply, command(verb).name));
}

void Client::greeting(const smtp::Reply& reply, std::size_t) {
  if (reply.positive()) return say_hello();
  // One host that takes no mail at all is no reason to give up while others may (smtp_skip_5xx_greeting).
  auto failure = failure_of(reply, "");
  failure.permanent = false;
  failure.status[0] = '4';
  failure.try_next = true;
  close(failure);
}

void Client::ehlo(const smtp::Reply& reply, std::size_t) {
  if (reply.positive()) {
    extensions_ = parse_extensions(reply.text);
    return after_hello();
  }
  if (reply.permanent() && !options_.lmtp && !tls_active_) {
    return say(Verb::helo, "HELO " + options_.name);  // RFC 5321 section 3.2
  }
  close(failure_of(reply, options_.lmtp ? "LHLO command" : "EHLO command"));
}

void Client::helo(const smtp::Reply& reply, std::size_t) {
  if (!reply.positive()) return close(failure_of(reply, "HELO command"));
  after_hello();
}

void Client::starttls(const smtp::Reply& reply, std::size_t) {
  if (!reply.positive()) {
    tls_refused_ = true;
    return after_hello();
  }
  // What stands behind the reply was sent in clear, by whoever, and must not count as said under TLS.
  if (!in_.empty()) return broken("the server talks before the TLS handshake");
  wants_tls_ = true;
}

void Client::mail(const smtp::Reply& reply, std::size_t) {
  if (!reply.positive()) transaction_->fail_rest(failure_of(reply, "MAIL FROM command"));
  after_envelope_reply();
}

void Client::rcpt(const smtp::Reply& reply, std::size_t recipient) {
  transaction_->recipient_replied(recipient, reply);
  after_envelope_reply();
}

void Client::data(const smtp::Reply& reply, std::size_t) {
  if (!reply.intermediate()) {
    transaction_->fail_rest(failure_of(reply, "DATA command"));
    return reset();
  }
  if (transaction_->accepted() > 0) {
    phase_ = Phase::content;
    return;
  }
  // In a group, DATA is on its way before the last recipient is refused. A server that waits for content all the same
  // gets none (RFC 2920 section 3.1), and whatever it answers nobody has the message. LMTP has no reply for nobody.
  if (options_.lmtp) return broken("DATA accepted without recipients");
  out_ += ".\r\n";
  expected_.push_back({Verb::end_of_data});
}

void Client::end_of_data(const smtp::Reply& reply, std::size_t recipient) {
  if (options_.lmtp) {
    transaction_->content_replied(recipient, reply);
  } else {
    transaction_->content_replied(reply);
  }
  if (expected_.empty()) phase_ = Phase::idle;
}

void Client::rset(const smtp::Reply& reply, std::size_t) {
  phase_ = reply.positive() ? Phase::idle : Phase::closed;
}

// What we say ---------------------------------------------------------------------------------------------------------

void Client::say(Verb verb, std::string_view line, std::size_t recipient) {
  out_.append(line).append("\r\n");
  expected_.push_back({verb, recipient});
}

void Client::say_hello() {
  if (options_.lmtp) return say(Verb::lhlo, "LHLO " + options_.name);
  say(Verb::ehlo, "EHLO " + options_.name);
}

void Client::after_hello() {
  const bool offered = extensions_.starttls && !tls_refused_;
  if (options_.tls != config::TlsLevel::none && !tls_active_) {
    if (offered) return say(Verb::starttls, "STARTTLS");
    if (options_.tls == config::TlsLevel::encrypt) {
      return close(trouble("4.7.4", "TLS is required, but was not offered by host " + options_.peer));
    }
  }
  established_ = true;
  phase_ = Phase::idle;
  if (transaction_) start_mail();
}

void Client::tls_started() {
  wants_tls_ = false;
  tls_active_ = true;
  ++progress_;
  extensions_ = {};  // what was said in clear is forgotten: RFC 3207 section 4.2
  say_hello();
}

void Client::tls_failed(std::string_view why) {
  if (closed()) return;
  wants_tls_ = false;
  if (options_.tls == config::TlsLevel::may) {
    retry_in_clear_ = true;
    phase_ = Phase::closed;
    return;
  }
  close(trouble("4.7.5", "Cannot start TLS with " + options_.peer + ": " + printable(why, Transaction::max_text)));
}

void Client::send(Mail mail) {
  transaction_.emplace(std::move(mail), options_.peer + ":" + std::to_string(options_.port));
  encoder_ = ContentEncoder(options_.line_length_limit);
  touched_ = false;
  if (phase_ == Phase::idle) start_mail();
  if (closed()) transaction_->fail_rest(trouble("4.4.2", "lost connection with " + options_.peer));
}

void Client::start_mail() {
  if (const auto refusal = refusal_of_ours()) return transaction_->fail_rest(*refusal);
  content_sent_ = false;
  // RFC 6152 section 3: a server without 8BITMIME gets no octets above 127 in a body.
  const bool convert = options_.convert && transaction_->mail().eight_bit && !extensions_.eight_bit;
  if (!convert) return start_envelope();
  survey_.emplace();
  phase_ = Phase::survey;
}

void Client::survey(std::string_view octets, bool last) {
  survey_->add(octets);
  if (!last) return;
  auto plan = survey_->finish();
  survey_.reset();
  if (!plan.obstacle.empty()) {
    phase_ = Phase::idle;
    return transaction_->fail_rest({true, "5.6.3",
                                    "8-bit content cannot be converted, and 8BITMIME was not offered by host " +
                                        options_.peer + ": " + plan.obstacle,
                                    false, false});
  }
  if (!plan.parts.empty()) encoder_.convert(std::move(plan));
  start_envelope();
}

void Client::start_envelope() {
  phase_ = Phase::envelope;
  next_step_ = 0;
  send_commands();
}

/// Why this message cannot go to this server, before anything of it is said.
std::optional<Failure> Client::refusal_of_ours() const {
  const Mail& mail = transaction_->mail();
  const auto bad = [](const queue::AttemptRecipient& recipient) { return has_control(recipient.address); };
  if (has_control(mail.reverse_path) || std::ranges::any_of(mail.recipients, bad)) {
    return Failure{true, "5.1.3", "address with a control character", false, false};
  }
  if (needs_utf8(mail) && !extensions_.smtputf8) {
    return Failure{true, "5.6.7", "SMTPUTF8 is required, but was not offered by host " + options_.peer, false, false};
  }
  if (extensions_.max_size > 0 && mail.size > extensions_.max_size) {
    return Failure{true, "5.3.4",
                   "message size " + std::to_string(mail.size) + " exceeds size limit " +
                       std::to_string(extensions_.max_size) + " of server " + options_.peer,
                   false, false};
  }
  return std::nullopt;
}

std::string Client::mail_command() const {
  const Mail& mail = transaction_->mail();
  std::string line = "MAIL FROM:<" + mail.reverse_path + ">";
  // What a conversion makes of the size is not known before its end; SIZE may be left out (RFC 1870 section 6).
  if (extensions_.size && !encoder_.converts()) line += " SIZE=" + std::to_string(mail.size);
  if (mail.eight_bit && extensions_.eight_bit) line += " BODY=8BITMIME";
  if (needs_utf8(mail)) line += " SMTPUTF8";
  return line;
}

/// Says what may be said of the envelope: all of it, or one command at a time.
void Client::send_commands() {
  const Mail& mail = transaction_->mail();
  while (phase_ == Phase::envelope && (extensions_.pipelining || expected_.empty())) {
    const auto step = next_step_++;
    if (step == 0) {
      say(Verb::mail, mail_command());
    } else if (step <= mail.recipients.size()) {
      say(Verb::rcpt, "RCPT TO:<" + mail.recipients[step - 1].address + ">", step - 1);
    } else {
      phase_ = Phase::data;
      say(Verb::data, "DATA");
    }
  }
}

void Client::after_envelope_reply() {
  if (phase_ != Phase::envelope) return;  // the whole group is out, DATA with it
  if (transaction_->settled()) return reset();
  send_commands();
}

void Client::give_content(std::string_view octets, bool last) {
  if (!wants_content()) return;
  ++progress_;
  if (phase_ == Phase::survey) return survey(octets, last);
  encoder_.write(octets, out_);
  if (last) end_content();
}

void Client::end_content() {
  encoder_.finish(out_);
  phase_ = Phase::data;
  content_sent_ = true;
  for (std::size_t i = 0; i < transaction_->mail().recipients.size(); ++i) {
    if (transaction_->is_accepted(i)) expected_.push_back({Verb::end_of_data, i});
  }
  if (!options_.lmtp) expected_.resize(1);
}

void Client::content_failed(std::string_view why) {
  auto failure = trouble("4.3.0", "cannot read the message: " + printable(why, Transaction::max_text));
  failure.try_next = false;
  close(failure);
}

/// A transaction that was broken off is undone before the next one.
void Client::reset() {
  phase_ = Phase::resetting;
  say(Verb::rset, "RSET");
}

void Client::quit() {
  if (phase_ == Phase::idle || phase_ == Phase::resetting) out_ += "QUIT\r\n";
  abandon("4.4.2", "the connection was given up");
}

void Client::abandon(std::string status, std::string text) {
  close(trouble(std::move(status), std::move(text)));
}

// How it ends ---------------------------------------------------------------------------------------------------------

bool Client::finished() const {
  return transaction_ && transaction_->settled() &&
         (phase_ == Phase::idle || phase_ == Phase::resetting || phase_ == Phase::closed);
}

std::vector<Outcome> Client::take_outcomes() {
  auto outcomes = transaction_ ? transaction_->outcomes() : std::vector<Outcome>();
  transaction_.reset();
  return outcomes;
}

void Client::close(const Failure& failure) {
  if (closed()) return;
  // Perhaps the server has the message (RFC 1047): another host at once would only make a duplicate more likely.
  Failure last = failure;
  last.try_next = failure.try_next && !content_sent_;
  if (transaction_ && !retry_in_clear_) transaction_->fail_rest(last);
  phase_ = Phase::closed;
  wants_tls_ = false;
  expected_.clear();
  in_.release();
}

void Client::broken(std::string_view why) {
  close(trouble("4.5.0", "Protocol error: host " + options_.peer + ": " + std::string(why)));
}

std::string_view Client::doing() const {
  if (wants_tls_) return command(Verb::starttls).doing;
  if (!expected_.empty()) return command(expected_.front().verb).doing;
  return phase_ == Phase::content ? "sending message body" : "waiting for us";
}

void Client::lost() {
  close(trouble("4.4.2", "lost connection with " + options_.peer + " while " + std::string(doing())));
}

void Client::timed_out() {
  close(trouble("4.4.2", "conversation with " + options_.peer + " timed out while " + std::string(doing())));
}

Deadline Client::deadline() const {
  if (wants_tls_) return Deadline::starttls;
  if (!expected_.empty()) return command(expected_.front().verb).deadline;
  return wants_content() ? Deadline::data_xfer : Deadline::rset;
}

}  // namespace facteur::remote
