// The session's loop: lines in, replies out, one open question at a time.
#include "smtpd/session/session.h"

#include <fmt/format.h>
#include <utility>

#include "common/base/strings.h"
#include "common/login/foreign.h"
#include "common/login/limits.h"

namespace facteur::smtpd {
namespace {
/// Octets of the client that are kept while it has to wait.
constexpr std::size_t max_waiting = 64 * 1024;
}  // namespace

Session::Session(const Limits& limits, ClientFacts client, Services services)
    : limits_(limits),
      client_(std::move(client)),
      services_(std::move(services)),
      peer_(printable(client_.name, max_helo) + "[" + client_.ip.to_string() + "]"),
      exchange_(services_.authenticator, [this](login::SaslEvent event) { answer(sasl_result(event)); }) {
}

Session::~Session() = default;

void Session::greet() {
  if (state_ != State::silent) return;
  state_ = State::open;
  if (!in_.empty()) log("improper command pipelining after CONNECT from " + peer_);
  out_ += smtp::Reply{220, "", limits_.hostname + " " + limits_.banner}.wire();
  ++requests_;
  run();
}

void Session::feed(std::string_view octets) {
  if (state_ == State::closed || octets.empty()) return;
  in_.append(octets);
  if (state_ == State::starting_tls) {
    // Clear text behind STARTTLS is somebody else's (CVE-2011-0411).
    return hang_up({554, "5.5.0", "Error: commands behind STARTTLS"}, "improper command pipelining after STARTTLS");
  }
  run();
}

void Session::end_of_input() {
  end_of_input_ = true;
  run();
}

void Session::run() {
  while (state_ == State::open && !paused_ && !waiting()) {
    if (draining_ && !in_content()) return hang_up({421, "4.3.2", limits_.hostname + " Service shutting down"}, {});
    if (!step()) break;
  }
  const bool stuck = !waiting() && !paused_ && state_ != State::closed;
  if (!end_of_input_ || !stuck) return;
  log(fmt::format("lost connection after {} from {}", where_, peer_));
  transaction_.reset();
  state_ = State::closed;
}

bool Session::step() {
  if (in_content()) return read_content();
  if (first_line_ && login::is_foreign_start(in_.view())) {
    hang_up({421, "4.7.0", limits_.hostname + " Error: this is SMTP"}, "foreign protocol");
    return false;
  }
  const auto limit = exchange_.expects_line() ? login::max_sasl_line - 2 : limits_.line_length_limit;
  const auto line = in_.next(limit);
  if (line.outcome == CommandReader::Outcome::none) return false;
  conclude(handle_line(line));
  first_line_ = false;
  return true;
}

/// The reply to a question that had to wait.
void Session::answer(const Step& step) {
  ticket_.reset();
  conclude(step);
  run();
  changed();
}

void Session::conclude(const Step& step) {
  if (const auto* reply = std::get_if<smtp::Reply>(&step)) say(*reply, true);
  if (const auto* lenient = std::get_if<Lenient>(&step)) say(lenient->reply, false);
  if (const auto* close = std::get_if<Close>(&step)) {
    tally(close->reply);
    hang_up(close->reply, close->why);
  }
}

void Session::tally(const smtp::Reply& reply) {
  if (reply.intermediate()) return;
  ++counts_[current_].given;
  if (reply.positive()) ++counts_[current_].accepted;
}

void Session::say(const smtp::Reply& reply, bool counted) {
  out_ += reply.wire();
  ++requests_;
  tally(reply);
  if (counted && reply.code >= 400) budget_.error();
  if (budget_.exhausted()) {
    return hang_up({421, "4.7.0", limits_.hostname + " Error: too many errors"}, "too many errors");
  }
  paused_ = budget_.slow() && limits_.error_sleep_time.count() > 0;
}

/// `why` goes to the log; empty where it is told elsewhere or no fault.
void Session::hang_up(const smtp::Reply& reply, std::string_view why) {
  if (state_ == State::closed) return;
  if (!why.empty()) log(fmt::format("{} after {} from {}", why, where_, peer_));
  out_ += reply.wire();
  state_ = State::closed;
  ticket_.reset();
  transaction_.reset();
  in_.release();
}

void Session::changed() const {
  if (changed_) changed_();
}

std::string Session::take_output() {
  if (paused_ && state_ != State::closed) return {};
  return std::exchange(out_, {});
}

Next Session::next() const {
  if (state_ == State::closed) return Next::close;
  if (paused_) return Next::pause;
  return state_ == State::starting_tls ? Next::tls : Next::input;
}

bool Session::wants_input() const {
  if (state_ == State::closed || state_ == State::starting_tls || end_of_input_) return false;
  return in_.size() < max_waiting || !(waiting() || paused_);
}

void Session::resume() {
  paused_ = false;
  run();
}

void Session::tls_started(std::string description) {
  check(state_ == State::starting_tls || state_ == State::silent, "TLS begins after STARTTLS or before the greeting");
  if (state_ == State::starting_tls) state_ = State::open;
  tls_ = std::move(description);
  client_.tls = true;
  client_.login.clear();
  sasl_method_.clear();
  helo_.clear();
  extended_ = data_refused_ = false;
  transaction_.reset();
  in_.release();
  ++requests_;
}

void Session::expire() {
  hang_up({421, "4.4.2", limits_.hostname + " Error: timeout exceeded"}, "timeout");
}

void Session::shut_down() {
  draining_ = true;
  if (state_ == State::open) return run();
  hang_up({421, "4.3.2", limits_.hostname + " Service shutting down"}, {});
}

Deadline Session::deadline() const {
  const bool ours = waiting() || paused_ || state_ == State::closed;
  return {!ours, requests_, in_content() ? transaction_->content->octets() : 0};
}

std::string Session::statistics() const {
  std::string text;
  Count sum;
  const auto show = [](std::string_view name, const Count& count) {
    return count.accepted == count.given ? fmt::format("{}={}", name, count.given)
                                         : fmt::format("{}={}/{}", name, count.accepted, count.given);
  };
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i].given == 0) continue;
    text += show(i < command_count ? to_lower(commands[i].verb) : "unknown", counts_[i]) + " ";
    sum.accepted += counts_[i].accepted;
    sum.given += counts_[i].given;
  }
  return text + show("commands", sum);
}

}  // namespace facteur::smtpd
