// Recipients judged by the policy, with authd asked where a mailbox is in question.
#pragma once

#include "common/loop/loop.h"
#include "config/settings.h"
#include "smtpd/server/auth_door.h"
#include "smtpd/session/services.h"

namespace facteur::smtpd {

class Judge final : public Recipients {
 public:
  /// Asks the kernel for our addresses, so before the jail.
  Judge(loop::Loop& loop, AuthDoor& authd, const config::Settings& settings);

  void set_tables(route::Tables tables);
  /// Whether authd has sent tables yet: nobody can be judged before.
  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] Ticket judge(RecipientFacts facts, std::function<void(Decision)> callback) override;

 private:
  loop::Loop& loop_;
  AuthDoor& authd_;
  Rules rules_;
  bool ready_ = false;
};

/// For mail that nobody waits for (the maildrop): every recipient is taken, and the queue returns to the sender what it
/// cannot deliver.
class LenientJudge final : public Recipients {
 public:
  explicit LenientJudge(Recipients& strict) : strict_(strict) {}
  [[nodiscard]] Ticket judge(RecipientFacts facts, std::function<void(Decision)> callback) override;

 private:
  Recipients& strict_;
};

}  // namespace facteur::smtpd
