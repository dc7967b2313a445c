// The services of an SMTP session as tables in memory: authd knows alice and bob, the queue keeps what it accepted.
// Answers wait until settle() is called, as those of other processes would.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "smtpd/session/services.h"

namespace facteur::smtpd::testing {

/// A message that the queue promised to keep.
struct Accepted {
  std::string queue_id;
  queue::Envelope envelope;
  std::vector<queue::Recipient> recipients;
  std::string content;
  std::string top_headers;
};

/// What fails, once set.
struct Faults {
  int open_errno = 0;
  int finish_errno = 0;
  bool full_after_each_write = false;
  bool mailbox_unknown_now = false;  ///< lookups fail for now
  bool authd_away = false;
};

[[nodiscard]] inline Rules our_rules() {
  Rules rules;
  rules.tables.domains = {"our.test"};
  rules.tables.delimiters = "+";
  return rules;
}

class World final : public Recipients, public login::Authenticator, public Queue {
 public:
  Rules rules = our_rules();
  std::vector<net::Cidr> mynetworks;
  std::set<std::string> accounts{"alice", "bob", "u", "a b"};
  std::string password = "secret";
  Faults faults;
  std::vector<Accepted> accepted;
  std::vector<std::string> log;
  int open_receptions = 0;
  int cancelled_logins = 0;

  [[nodiscard]] Services services();
  /// Gives the answers that are due, and those that they lead to.
  void settle();
  [[nodiscard]] bool logged(std::string_view part) const;

  Ticket judge(RecipientFacts facts, std::function<void(Decision)> callback) override;
  Ticket start(std::string_view mechanism, std::optional<std::string> initial, Callback callback) override;
  Ticket step(std::string response, Callback callback) override;
  void cancel() override { ++cancelled_logins; }
  Ticket open(queue::Envelope envelope, std::vector<queue::Recipient> recipients,
              std::function<void(Opened)> callback) override;

  /// Queues an answer; `value` is made when it is given.
  template <class T>
  Ticket later(std::function<void(T)> callback, std::function<T()> value) {
    auto [ticket, answer] = ask<T>(std::move(callback));
    auto shared = std::make_shared<Answer<T>>(std::move(answer));
    due_.emplace_back([shared, value = std::move(value)] {
      if (shared->wanted()) (*shared)(value());
    });
    return std::move(ticket);
  }

 private:
  login::Verdict plain(const std::string& message) const;
  login::Verdict check_login(const std::string& user, const std::string& given) const;

  std::deque<std::function<void()>> due_;
  unsigned next_id_ = 0;
  std::string mechanism_;
  std::string login_user_;
  bool has_user_ = false;
};

}  // namespace facteur::smtpd::testing
