// Decides whether a login and a password are right: names, the throttle, what is remembered, then the hash or
// saslauthd.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "auth/exchange.h"
#include "auth/gate.h"
#include "auth/keeper.h"
#include "auth/throttle.h"
#include "auth/verified.h"
#include "common/base/ticket.h"
#include "common/loop/loop.h"
#include "common/net/address.h"
#include "config/settings.h"

namespace facteur::auth {

/// What became of an attempt.
struct Verdict {
  SaslOutcome outcome = SaslOutcome::temporary;  ///< never challenge
  std::string login;                             ///< with success: "alice@example.test"
  std::string text;                              ///< else: why, for the log
};

class Checker {
 public:
  Checker(loop::Loop& loop, Keeper& keeper, const config::Settings& settings);

  /// The verdict on what a client has shown; failures come late, as the throttle says. The callback runs on the loop,
  /// never before this returns, and not once the ticket is gone.
  [[nodiscard]] Ticket check(Service service, const net::Ip& client, Credentials shown,
                             std::function<void(Verdict)> callback);
  /// The late answer to an exchange that ended without a login and a password.
  [[nodiscard]] Ticket refuse(const net::Ip& client, std::string why, std::function<void(Verdict)> callback);
  void set_settings(const config::Settings& settings);

 private:
  struct Case;
  using CasePtr = std::shared_ptr<Case>;
  void identify(const CasePtr& open);
  void look(const CasePtr& open);
  void verify(const CasePtr& open);
  void verify_hash(const CasePtr& open);
  void verify_by_saslauthd(const CasePtr& open);
  void conclude(const CasePtr& open, Result<bool> right);
  void give(const CasePtr& open, Verdict verdict, Milliseconds delay);
  void after(const CasePtr& open, Milliseconds delay, std::function<void()> next);

  loop::Loop& loop_;
  Keeper& keeper_;
  config::Settings settings_;
  Verified verified_;
  Throttle throttle_;
  Gate hashing_;
  Gate asking_;
  Gate names_;
};

}  // namespace facteur::auth
