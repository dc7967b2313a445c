#include "master/workers.h"

#include <algorithm>

#include "common/log/log.h"
#include "master/users.h"

namespace facteur::master {
namespace {

/// From one local-run of a worker to the next: one that fails is no reason to start processes all day.
constexpr Milliseconds local_run_pause{900};

std::string_view program_of(auth::Service service) {
  return service == auth::Service::pop3 ? "pop3d" : "imapd";
}

std::string_view login_program_of(auth::Service service) {
  return service == auth::Service::pop3 ? "pop3-login" : "imap-login";
}

auth::AccountRecord nothing_known(std::string why) {
  return {0, auth::Existence::temporary, {}, std::move(why), false, {}};
}

/// What accounts share a worker by: the uid and, since it brings groups, the system user's name.
std::string key_of(const auth::Account& account, bool worker_of_its_own) {
  std::string key = std::to_string(account.uid) + " " + account.system_user;
  if (worker_of_its_own) key += " " + account.name;
  return key;
}

}  // namespace

Workers::Workers(Supervisor& supervisor, const Suspects& suspects) : supervisor_(supervisor), suspects_(suspects) {
}

void Workers::attach(Child& child) {
  if (child.program == "authd") {
    child.door->on<auth::AccountRecord>([this](auth::AccountRecord record) {
      if (const auto asked = asked_.extract(record.id)) asked.mapped().handler(std::move(record));
    });
  } else if (child.program == "queued") {
    child.door->on<WorkerQuery>([this, &child](const WorkerQuery& query) { find_worker_for(child, query); });
  } else if (child.program == "pop3-login" || child.program == "imap-login") {
    child.door->on<Handover>([this, &child](Handover handover) { take_handover(child, std::move(handover)); });
  } else if (child.program == "local") {
    child.door->on<Serving>([this, &child](const Serving& serving) { now_serving(child, serving); });
  } else if (child.program == "pop3d" || child.program == "imapd") {
    child.door->on<SessionTaken>([this, &child](const SessionTaken& answer) { session_taken(child, answer); });
    child.door->on<WantEnd>([this, &child](const WantEnd& question) { may_end(child, question); });
  }
  if (child.program == "local" || child.program == "pop3d" || child.program == "imapd") {
    child.door->on<NeedLocalRun>([this, &child](const NeedLocalRun&) { start_local_run(child); });
  }
}

template <class Question>
void Workers::ask_authd(Question question, AccountHandler handler) {
  Child* authd = supervisor_.current("authd");
  question.id = ++last_question_;
  const auto id = question.id;
  if (authd == nullptr || !authd->door->send(std::move(question))) {
    return handler(nothing_known("authd does not answer"));
  }
  asked_[id] = {authd->instance, std::move(handler)};
}

void Workers::take_handover(Child& login, Handover handover) {
  const auto refuse = [&](const std::string& why) {
    login.door->send(HandoverReply{handover.id, Admission::unavailable, why});
  };
  if (login.program != login_program_of(handover.service)) return refuse("this login process is of another service");
  if (!handover.client) return refuse("no connection came with the ticket");
  auth::Redeem redeem{0, handover.ticket, handover.service, login.instance, handover.client_ip};
  auto held = std::make_shared<Handover>(std::move(handover));
  ask_authd(std::move(redeem), [this, held, instance = login.instance](auth::AccountRecord found) {
    Child* asker = supervisor_.find(instance);
    // A login process that died has lost its TLS clients; one without TLS is served all the same.
    if (asker != nullptr) begin_session(*asker, *held, std::move(found));
  });
}

void Workers::begin_session(Child& login, Handover& handover, auth::AccountRecord found) {
  const auto refuse = [&](const std::string& why) {
    if (!found.crowded) log::warning("cannot serve a {} session: {}", program_of(handover.service), why);
    login.door->send(HandoverReply{handover.id, found.crowded ? Admission::crowded : Admission::unavailable, why});
  };
  if (found.existence != auth::Existence::exists) return refuse(found.text);
  auto worker = worker_for(program_of(handover.service), found.account);
  if (!worker) return refuse(worker.error().text);
  const auto id = ++last_session_;
  const bool suspect = suspects_.is_suspect_account(found.account.name);
  Session session{id,
                  std::move(found.account),
                  std::move(handover.client_ip),
                  handover.tls,
                  suspect,
                  std::move(handover.tag),
                  std::move(handover.octets),
                  std::move(handover.client),
                  std::move(found.place)};
  if (!(*worker)->door->send(std::move(session))) return refuse("the worker takes nothing now");
  ++(*worker)->sessions;
  sessions_[id] = {(*worker)->instance, login.instance, handover.id};
}

void Workers::session_taken(Child& worker, const SessionTaken& answer) {
  const auto session = sessions_.find(answer.id);
  if (session == sessions_.end() || session->second.worker != worker.instance) return;
  if (!answer.taken) worker.retiring = true;  // somebody has told it to end: the next session gets another one
  answer_login(session->second, answer.taken, answer.taken ? "" : "the worker is about to end");
  sessions_.erase(session);
}

void Workers::answer_login(const OnItsWay& session, bool taken, const std::string& why) {
  if (!taken) log::warning("a session was not taken: {}", why);
  if (Child* login = supervisor_.find(session.login)) {
    login->door->send(HandoverReply{session.handover, taken ? Admission::served : Admission::unavailable, why});
  }
}

void Workers::find_worker_for(Child& queued, const WorkerQuery& query) {
  ask_authd(auth::Lookup{0, query.account},
            [this, instance = queued.instance, id = query.id](const auth::AccountRecord& found) {
              prepare_delivery(instance, id, found);
            });
}

void Workers::prepare_delivery(std::uint32_t queued, std::uint64_t query, const auth::AccountRecord& found) {
  Child* asker = supervisor_.find(queued);
  if (asker == nullptr) return;
  const auto refuse = [&](const std::string& why, auth::Existence existence = auth::Existence::temporary) {
    asker->door->send(WorkerAnswer{query, existence, 0, 0, false, why});
  };
  const auto& account = found.account;
  if (found.existence != auth::Existence::exists) return refuse(found.text, found.existence);
  auto worker = worker_for("local", account);
  if (!worker) return refuse(worker.error().text);
  if (!(*worker)->door->send(Serve{account})) return refuse("the worker takes nothing now");
  waiting_.push_back({(*worker)->instance, queued, query, account.name, !account.system_user.empty()});
}

void Workers::now_serving(const Child& worker, const Serving& serving) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.worker != worker.instance || waiting.account != serving.account) return false;
    if (Child* queued = supervisor_.find(waiting.queued)) {
      queued->door->send(
          WorkerAnswer{waiting.query, auth::Existence::exists, worker.instance, worker.uid, waiting.system_user, {}});
    }
    return true;
  });
}

void Workers::may_end(Child& worker, const WantEnd& question) {
  if (question.sessions_seen != worker.sessions) return;  // one is under way to it
  worker.retiring = true;
  worker.door->send(MayEnd{});
}

Result<Child*> Workers::worker_for(std::string_view program, const auth::Account& account) {
  const auto& settings = supervisor_.settings();
  if (auto allowed = check_account(account, settings, supervisor_.real_root()); !allowed) return fail(allowed);
  const bool alone = settings.worker_per == config::WorkerPer::account || suspects_.is_suspect_account(account.name);
  const std::string key = key_of(account, alone);
  for (const auto& child : supervisor_.children()) {
    if (child.program == program && child.worker_key == key && !child.retiring && child.door->is_open()) {
      return supervisor_.find(child.instance);
    }
  }
  Birth birth{std::string(program), 0, {account.uid, account.gid}, account.system_user, key, {}, {account}};
  Child* worker = supervisor_.start_worker(std::move(birth));
  if (worker == nullptr) return fail(Kind::temporary, "cannot start a worker for " + account.name);
  return worker;
}

/// The same user as the worker's, and the mbox of the account that it was started for: of both it says nothing.
void Workers::start_local_run(Child& worker) {
  const auto& account = worker.account;
  const auto allowed = check_account(account, supervisor_.settings(), supervisor_.real_root());
  if (!allowed || !supervisor_.real_root() || account.system_user.empty()) return;
  const std::string key = "of " + std::to_string(worker.instance);
  const bool has_one = std::ranges::count(supervisor_.children(), key, &Child::worker_key) > 0;
  if (has_one || monotonic_now() - worker.local_run < local_run_pause) return;
  worker.local_run = monotonic_now();
  Birth birth{"local-run", 0, {account.uid, account.gid}, account.system_user, key, {}, {account}};
  if (Child* started = supervisor_.start_worker(std::move(birth))) supervisor_.pair(worker, *started);
}

void Workers::child_died(const Child& child) {
  if (child.program == "authd") {
    std::vector<AccountHandler> orphans;
    std::erase_if(asked_, [&](auto& entry) {
      if (entry.second.authd != child.instance) return false;
      orphans.push_back(std::move(entry.second.handler));
      return true;
    });
    for (const auto& handler : orphans) handler(nothing_known("authd ended before it answered"));
  }
  std::erase_if(sessions_, [&](const auto& entry) {
    const auto& session = entry.second;
    if (session.worker != child.instance) return session.login == child.instance;
    answer_login(session, false, "the worker ended before it had the client");
    return true;
  });
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.worker != child.instance) return waiting.queued == child.instance;
    if (Child* queued = supervisor_.find(waiting.queued)) {
      queued->door->send(WorkerAnswer{waiting.query, auth::Existence::temporary, 0, 0, false, "the worker ended"});
    }
    return true;
  });
}

}  // namespace facteur::master
