// From accounts to the processes that touch their mail: one worker a uid and program, started on demand.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "auth/doors.h"
#include "common/base/result.h"
#include "master/doors.h"
#include "master/supervisor.h"
#include "master/suspects.h"

namespace facteur::master {

/// Redeems tickets, looks accounts up at authd, and hands sessions and deliveries to workers. It decides under which
/// uid code runs, and trusts nobody's word for it: a login process brings a ticket, queued an account's name.
class Workers {
 public:
  Workers(Supervisor& supervisor, const Suspects& suspects);

  /// Puts the handlers of a new child in place.
  void attach(Child& child);
  /// What depended on this child has failed for now.
  void child_died(const Child& child);

 private:
  using AccountHandler = std::function<void(auth::AccountRecord)>;
  struct Asked {
    std::uint32_t authd = 0;  ///< instance that was asked
    AccountHandler handler;
  };
  /// A delivery that waits until its worker knows the account.
  struct Waiting {
    std::uint32_t worker = 0;
    std::uint32_t queued = 0;
    std::uint64_t query = 0;
    std::string account;
    bool system_user = false;
  };

  /// A session that its worker has not taken yet. Until then the login process keeps the client, so that somebody can
  /// tell it when the worker dies.
  struct OnItsWay {
    std::uint32_t worker = 0;
    std::uint32_t login = 0;
    std::uint64_t handover = 0;
  };

  template <class Question>
  void ask_authd(Question question, AccountHandler handler);
  void take_handover(Child& login, Handover handover);
  void begin_session(Child& login, Handover& handover, auth::AccountRecord found);
  void session_taken(Child& worker, const SessionTaken& answer);
  void answer_login(const OnItsWay& session, bool taken, const std::string& why);
  void find_worker_for(Child& queued, const WorkerQuery& query);
  void prepare_delivery(std::uint32_t queued, std::uint64_t query, const auth::AccountRecord& found);
  void now_serving(const Child& worker, const Serving& serving);
  void may_end(Child& worker, const WantEnd& question);
  void start_local_run(Child& worker);
  [[nodiscard]] Result<Child*> worker_for(std::string_view program, const auth::Account& account);

  Supervisor& supervisor_;
  const Suspects& suspects_;
  std::map<std::uint64_t, Asked> asked_;
  std::vector<Waiting> waiting_;
  std::map<std::uint64_t, OnItsWay> sessions_;  ///< by Session::id
  std::uint64_t last_question_ = 0;
  std::uint64_t last_session_ = 0;
};

}  // namespace facteur::master
