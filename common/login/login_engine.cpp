#include "common/login/login_engine.h"

#include <algorithm>
#include <utility>

#include "common/base/result.h"
#include "common/base/strings.h"
#include "common/login/foreign.h"

namespace facteur::login {

LoginEngine::LoginEngine(Authenticator& authenticator, Options options)
    : options_(std::move(options)), sasl_(authenticator, [this](const SaslEvent& event) {
        on_sasl(event);
        run();
        if (changed_) changed_();
      }) {
}

void LoginEngine::feed(std::string_view octets) {
  if (phase_ == Phase::closed) return;
  // Octets behind STLS or STARTTLS and before the handshake were not sent by who will speak inside it (CVE-2021-33515).
  if (phase_ == Phase::tls) return close();
  if (commands_ == 0 && waiting().empty() && is_foreign_start(octets)) return close();
  append(octets);
  run();
}

std::string LoginEngine::take_output() {
  return std::exchange(out_, {});
}

Next LoginEngine::next() const {
  switch (phase_) {
    case Phase::tls: return Next::tls;
    case Phase::granted: return Next::hand_over;
    case Phase::closed: return Next::close;
    case Phase::open: break;
  }
  return sasl_.waiting() ? Next::wait : Next::input;
}

/// Handles what is there until authd is asked or octets are missing: a loop, so that a client may pipeline what it
/// likes.
void LoginEngine::run() {
  while (phase_ == Phase::open && !sasl_.waiting()) {
    if (!step()) return;
  }
}

bool LoginEngine::knows(std::string_view mechanism) const {
  return std::ranges::any_of(options_.mechanisms, [&](const auto& name) { return iequals(name, mechanism); });
}

void LoginEngine::tls_started() {
  check(phase_ == Phase::tls, "TLS started without being asked for");
  forget();
  options_.tls_active = true;
  phase_ = Phase::open;
}

void LoginEngine::grant(Granted granted) {
  granted_ = std::move(granted);
  phase_ = Phase::granted;
}

Handover LoginEngine::handover() {
  check(phase_ == Phase::granted && granted_, "handed over before the login");
  Handover handover{granted_->ticket, granted_->user, tag(), std::string(waiting())};
  granted_.reset();
  forget();
  return handover;
}

}  // namespace facteur::login
