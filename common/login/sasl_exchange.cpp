#include "common/login/sasl_exchange.h"

#include <utility>

#include "common/base/encode.h"
#include "common/base/result.h"
#include "common/base/strings.h"
#include "common/login/limits.h"

namespace facteur::login {

namespace {
/// Longest name of a mechanism (RFC 4422 section 3.1).
constexpr std::size_t max_mechanism = 20;

bool is_mechanism(std::string_view name) {
  if (name.empty() || name.size() > max_mechanism) return false;
  for (const char c : name) {
    if (!is_alnum(c) && c != '-' && c != '_') return false;
  }
  return true;
}
}  // namespace

SaslExchange::SaslExchange(Authenticator& authenticator, std::function<void(SaslEvent)> done)
    : authenticator_(authenticator), done_(std::move(done)) {
}

SaslExchange::~SaslExchange() {
  if (state_ != State::idle) authenticator_.cancel();
}

std::optional<SaslEvent> SaslExchange::start(std::string_view mechanism, std::optional<std::string_view> initial) {
  check(state_ == State::idle, "a SASL exchange is under way");
  if (!is_mechanism(mechanism)) return SaslEvent{SaslEvent::Type::malformed};
  std::optional<std::string> octets;
  if (initial) {
    if (initial->empty()) return SaslEvent{SaslEvent::Type::malformed};
    octets = *initial == "=" ? std::string{} : base64_decode(*initial);
    if (!octets) return SaslEvent{SaslEvent::Type::malformed};
  }
  state_ = State::waiting;
  ticket_ = authenticator_.start(to_upper(mechanism), std::move(octets), [this](Verdict v) { verdict(std::move(v)); });
  return std::nullopt;
}

void SaslExchange::start_plain(std::string message) {
  check(state_ == State::idle, "a SASL exchange is under way");
  state_ = State::waiting;
  ticket_ = authenticator_.start("PLAIN", std::move(message), [this](Verdict v) { verdict(std::move(v)); });
}

std::optional<SaslEvent> SaslExchange::line(std::string_view text) {
  check(expects_line(), "no SASL challenge is open");
  if (text == "*") return give_up(SaslEvent::Type::cancelled);
  if (text.size() + 2 > max_sasl_line) return give_up(SaslEvent::Type::malformed);
  auto octets = base64_decode(text);
  if (!octets) return give_up(SaslEvent::Type::malformed);
  if (state_ == State::last) {
    // The client has nothing to say to the mechanism's last octets but that it has read them (RFC 4422 section 3.6).
    if (!octets->empty()) return give_up(SaslEvent::Type::malformed);
    state_ = State::idle;
    return SaslEvent{SaslEvent::Type::granted, {}, *std::exchange(granted_, {})};
  }
  state_ = State::waiting;
  ticket_ = authenticator_.step(std::move(*octets), [this](Verdict v) { verdict(std::move(v)); });
  return std::nullopt;
}

void SaslExchange::verdict(Verdict verdict) {
  ticket_.reset();
  done_(event(std::move(verdict)));
}

SaslEvent SaslExchange::event(Verdict verdict) {
  if (const auto* challenge = std::get_if<Challenge>(&verdict)) {
    state_ = State::challenged;
    return {SaslEvent::Type::challenge, base64_encode(challenge->octets)};
  }
  if (auto* granted = std::get_if<Granted>(&verdict)) {
    if (granted->last_octets) {
      state_ = State::last;
      granted_ = std::move(*granted);
      return {SaslEvent::Type::challenge, base64_encode(*granted_->last_octets)};
    }
    state_ = State::idle;
    return {SaslEvent::Type::granted, {}, std::move(*granted)};
  }
  state_ = State::idle;
  const bool denied = std::holds_alternative<Denied>(verdict);
  return {denied ? SaslEvent::Type::denied : SaslEvent::Type::unavailable};
}

SaslEvent SaslExchange::give_up(SaslEvent::Type why) {
  state_ = State::idle;
  granted_.reset();
  ticket_.reset();
  authenticator_.cancel();
  return {why};
}

}  // namespace facteur::login
