#include "smtpd/server/judge.h"

#include <memory>
#include <utility>

#include "config/own_addresses.h"
#include "smtpd/policy/policy.h"

namespace facteur::smtpd {

Judge::Judge(loop::Loop& loop, AuthDoor& authd, const config::Settings& settings) : loop_(loop), authd_(authd) {
  rules_.hostname = settings.hostname;
  rules_.own_addresses = config::own_addresses(settings);
}

void Judge::set_tables(route::Tables tables) {
  rules_.tables = std::move(tables);
  ready_ = true;
}

Ticket Judge::judge(RecipientFacts facts, std::function<void(Decision)> callback) {
  auto decision = ready_ ? judge_recipient(facts, rules_)
                         : Decision{Action::reject, {451, "4.3.0", "Temporary lookup failure"}, "no tables yet", {}};
  if (decision.action != Action::look_up) {
    auto [ticket, answer] = ask<Decision>(std::move(callback));
    loop_.post([answer = std::move(answer), decision = std::move(decision)]() mutable { answer(std::move(decision)); });
    return std::move(ticket);
  }
  const auto account = decision.account;
  return authd_.exists(account,
                       [this, facts = std::move(facts), callback = std::move(callback)](Mailbox mailbox) mutable {
                         facts.mailbox = mailbox;
                         callback(judge_recipient(facts, rules_));
                       });
}

Ticket LenientJudge::judge(RecipientFacts facts, std::function<void(Decision)> callback) {
  return strict_.judge(std::move(facts), [callback = std::move(callback)](Decision decision) {
    decision.action = Action::accept;
    callback(std::move(decision));
  });
}

}  // namespace facteur::smtpd
