#include "auth/checker.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

#include "auth/password.h"

namespace facteur::auth {

namespace {

constexpr std::size_t max_waiting = 4096;
constexpr std::size_t saslauthd_at_once = 5;  ///< as many workers as saslauthd has by default

std::size_t cores() {
  return std::max(1U, std::thread::hardware_concurrency());
}

bool is_one_account(const Found& a, const Found& b) {
  return a.existence == Existence::exists && b.existence == Existence::exists && a.account.name == b.account.name;
}

Throttle::Limits limits_of(const config::Settings& settings) {
  return {settings.auth_failure_delay, settings.auth_failure_max_delay, settings.auth_failure_limit,
          settings.auth_failure_window};
}

}  // namespace

/// One attempt on its way. It lives as long as its next step is due; what it leads to is only told if still wanted.
struct Checker::Case {
  explicit Case(loop::Loop& loop) : timer(loop) {}
  ~Case() { explicit_bzero(shown.password.data(), shown.password.size()); }

  Service service = Service::imap;
  net::Ip client;
  Credentials shown;
  Found found;
  bool may_act = false;  ///< the client acts for itself: both names it gave are the account's
  std::string key;       ///< under which the login is remembered
  MonotonicTime begin = monotonic_now();
  Answer<Verdict> answer;
  loop::Timer timer;
};

Checker::Checker(loop::Loop& loop, Keeper& keeper, const config::Settings& settings)
    : loop_(loop),
      keeper_(keeper),
      settings_(settings),
      verified_(settings.auth_cache_ttl),
      throttle_(limits_of(settings)),
      hashing_(loop, cores(), max_waiting),
      asking_(loop, saslauthd_at_once, max_waiting),
      names_(loop, 2, max_waiting) {
  (void)dummy_hash();
}

void Checker::set_settings(const config::Settings& settings) {
  settings_ = settings;
  verified_.set_lifetime(settings.auth_cache_ttl);
  throttle_.set_limits(limits_of(settings));
}

Ticket Checker::check(Service service, const net::Ip& client, Credentials shown,
                      std::function<void(Verdict)> callback) {
  auto [ticket, answer] = ask<Verdict>(std::move(callback));
  auto open = std::make_shared<Case>(loop_);
  open->service = service;
  open->client = client;
  open->shown = std::move(shown);
  open->answer = std::move(answer);
  loop_.post([this, open] {
    if (open->answer.wanted()) keeper_.when_current([this, open] { identify(open); });
  });
  return std::move(ticket);
}

Ticket Checker::refuse(const net::Ip& client, std::string why, std::function<void(Verdict)> callback) {
  auto [ticket, answer] = ask<Verdict>(std::move(callback));
  auto open = std::make_shared<Case>(loop_);
  open->answer = std::move(answer);
  give(open, {SaslOutcome::failure, "", std::move(why)}, throttle_.failed(client, monotonic_now()));
  return std::move(ticket);
}

void Checker::identify(const CasePtr& open) {
  const auto accounts = keeper_.accounts();
  const auto& acts_as = open->shown.acts_as.empty() ? open->shown.login : open->shown.acts_as;
  const auto take = [open](const Found& login, const Found& acting) {
    open->may_act = is_one_account(login, acting);
    open->found = acting.existence == Existence::temporary ? acting : login;
  };
  auto login = accounts->find_in_file(open->shown.login);
  const auto acting = accounts->find_in_file(acts_as);
  if (login && acting) {
    take(*login, *acting);
    return look(open);
  }
  const bool runs =
      names_.run([open, accounts, acts_as, take] { take(accounts->find(open->shown.login), accounts->find(acts_as)); },
                 [this, open] { look(open); });
  if (!runs) give(open, {SaslOutcome::temporary, "", "too many logins at once"}, Milliseconds{0});
}

void Checker::look(const CasePtr& open) {
  if (!open->answer.wanted()) return;
  const auto now = monotonic_now();
  if (open->found.existence == Existence::temporary) {
    return give(open, {SaslOutcome::temporary, "", open->found.text}, Milliseconds{0});
  }
  if (open->found.existence == Existence::exists && open->may_act) {
    open->key = verified_.key(open->found.account.name, open->found.record, open->shown.password);
    if (verified_.has(open->key, now))
      return give(open, {SaslOutcome::success, open->found.account.name, ""}, Milliseconds{0});
  }
  const auto turn = throttle_.turn(open->client, now, settings_.auth_timeout / 2);
  if (!turn) {
    return give(open, {SaslOutcome::temporary, "", "too many wrong passwords from this address"}, Milliseconds{0});
  }
  if (*turn == Milliseconds{0}) return verify(open);
  after(open, *turn, [this, open] { verify(open); });
}

void Checker::verify(const CasePtr& open) {
  if (!open->answer.wanted()) return;
  if (open->found.existence == Existence::exists && !open->found.account.system_user.empty()) {
    return verify_by_saslauthd(open);
  }
  verify_hash(open);
}

void Checker::verify_hash(const CasePtr& open) {
  auto right = std::make_shared<bool>(false);
  const bool exists = open->found.existence == Existence::exists;
  // An account that does not exist costs what one that does costs.
  const bool runs = hashing_.run(
      [open, right, exists] {
        const bool same = verify_password(open->shown.password, exists ? open->found.password : dummy_hash());
        *right = same && exists;
      },
      [this, open, right] { conclude(open, *right); });
  if (!runs) conclude(open, fail(Kind::temporary, "too many logins at once"));
}

void Checker::verify_by_saslauthd(const CasePtr& open) {
  if (settings_.saslauthd_path.empty()) return conclude(open, fail(Kind::temporary, "saslauthd_path is not set"));
  auto right = std::make_shared<Result<bool>>(false);
  const bool runs = asking_.run(
      [open, right, path = settings_.saslauthd_path, host = settings_.hostname] {
        *right = ask_saslauthd(open->service, open->found.account.system_user, open->shown.password, path, host);
      },
      [this, open, right] { conclude(open, *right); });
  if (!runs) conclude(open, fail(Kind::temporary, "too many logins at once"));
}

void Checker::conclude(const CasePtr& open, Result<bool> right) {
  const auto now = monotonic_now();
  if (!right) return give(open, {SaslOutcome::temporary, "", right.error().text}, Milliseconds{0});
  if (*right && open->may_act) {
    verified_.remember(open->key, now);
    return give(open, {SaslOutcome::success, open->found.account.name, ""}, Milliseconds{0});
  }
  const bool exists = open->found.existence == Existence::exists;
  // Counted from the beginning, so that the time of the answer does not tell what was done for it.
  const auto spent = std::chrono::duration_cast<Milliseconds>(now - open->begin);
  const auto delay = std::max(Milliseconds{0}, throttle_.failed(open->client, now) - spent);
  const auto* why = *right ? "may not act for another account" : exists ? "wrong password" : "no such account";
  give(open, {SaslOutcome::failure, "", why}, delay);
}

void Checker::give(const CasePtr& open, Verdict verdict, Milliseconds delay) {
  auto tell = [open, verdict = std::move(verdict)] { open->answer(verdict); };
  if (delay == Milliseconds{0}) return loop_.post(std::move(tell));
  after(open, delay, std::move(tell));
}

void Checker::after(const CasePtr& open, Milliseconds delay, std::function<void()> next) {
  // The timer holds its own case until it rings: dropped tickets are found then.
  open->timer.start(delay, std::move(next));
}

}  // namespace facteur::auth
