#include "auth/client_door.h"

#include <fmt/format.h>

#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::auth {

namespace {

constexpr const char* service_words[] = {"smtp", "pop3", "imap"};

const char* word_of(Service service) {
  return service_words[static_cast<std::size_t>(service)];
}

}  // namespace

ClientDoor::ClientDoor(Parts& parts, std::uint32_t instance, std::unique_ptr<ipc::Door> door,
                       std::function<void()> closed)
    : parts_(parts), instance_(instance), door_(std::move(door)) {
  door_->on<SaslStart>([this](const SaslStart& message) { start(message); });
  door_->on<SaslStep>([this](const SaslStep& message) { step(message); });
  door_->on<SaslCancel>([this](const SaslCancel& message) { attempts_.erase(message.id); });
  door_->on<AccountQuery>([this](const AccountQuery& message) { answer(message); });
  door_->on_close([this, closed = std::move(closed)](const std::string&) {
    attempts_.clear();
    connections_.reset();
    parts_.tickets.forget(instance_);
    closed();
  });
  door_->open();
}

void ClientDoor::start(const SaslStart& start) {
  const auto client = net::Ip::parse(start.client_ip);
  if (!client || start.service > Service::imap || attempts_.contains(start.id)) {
    return door_->close("a SaslStart that makes no sense");
  }
  if (attempts_.size() >= max_attempts) {
    door_->send_or_close(SaslReply{start.id, SaslOutcome::temporary, "", "", "", "too many attempts at once"});
    return;
  }
  Attempt& attempt = attempts_[start.id];
  attempt.service = start.service;
  attempt.client = *client;
  attempt.until = monotonic_now() + parts_.attempt_timeout;
  auto exchange = Exchange::begin(start.service, start.mechanism, parts_.host);
  if (!exchange) return conclude(start.id, "", {SaslOutcome::temporary, "", exchange.error().text});
  attempt.mechanism = start.mechanism;
  attempt.exchange = std::move(*exchange);
  go_on(start.id, attempt, attempt.exchange->start(start.initial));
}

void ClientDoor::step(const SaslStep& step) {
  const auto attempt = attempts_.find(step.id);
  if (attempt == attempts_.end()) return;  // it was given up meanwhile: the answer is under way
  if (!attempt->second.exchange) return door_->close("a SaslStep behind the last");
  go_on(step.id, attempt->second, attempt->second.exchange->respond(step.response));
}

void ClientDoor::go_on(std::uint64_t id, Attempt& attempt, Exchange::Next next) {
  if (next.challenge) {
    door_->send_or_close(SaslReply{id, SaslOutcome::challenge, *next.challenge, "", "", ""});
    return;
  }
  attempt.exchange.reset();
  if (!next.credentials) {
    attempt.checking = parts_.checker.refuse(attempt.client, std::move(next.failure),
                                             [this, id](const Verdict& verdict) { conclude(id, "", verdict); });
    return;
  }
  auto conclusion = [this, id, shown = next.credentials->login](const Verdict& verdict) {
    conclude(id, shown, verdict);
  };
  attempt.checking =
      parts_.checker.check(attempt.service, attempt.client, std::move(*next.credentials), std::move(conclusion));
}

void ClientDoor::conclude(std::uint64_t id, const std::string& shown, const Verdict& verdict) {
  const auto found = attempts_.find(id);
  if (found == attempts_.end()) return;
  const Attempt attempt = std::move(found->second);
  attempts_.erase(found);
  SaslReply reply{id, verdict.outcome, "", verdict.login, "", verdict.text};
  if (verdict.outcome == SaslOutcome::success && attempt.service != Service::smtp) {
    auto ticket =
        parts_.tickets.issue({attempt.service, instance_, attempt.client.to_string()}, verdict.login, monotonic_now());
    if (!ticket) reply = {id, SaslOutcome::temporary, "", "", "", "too many logins at once"};
    if (ticket) reply.ticket = std::move(*ticket);
  }
  if (reply.outcome != SaslOutcome::success) {
    log::warning("{}: login failed: user=<{}>, address={}, method={}: {}", word_of(attempt.service),
                 printable(shown, 100), attempt.client.to_string(), attempt.mechanism.empty() ? "?" : attempt.mechanism,
                 printable(reply.text, 300));
  }
  door_->send_or_close(std::move(reply));
}

void ClientDoor::answer(const AccountQuery& query) {
  const auto reply = [this, alive = std::weak_ptr(alive_), id = query.id](const Found& found) {
    if (alive.expired()) return;
    if (found.existence == Existence::temporary) log::warning("account question: {}", printable(found.text, 300));
    door_->send_or_close(AccountAnswer{id, found.existence});
  };
  parts_.keeper.when_current(
      [&parts = parts_, account = query.account, reply] { find_account(parts, account, reply); });
}

void ClientDoor::sweep(MonotonicTime now) {
  for (auto next = attempts_.begin(); next != attempts_.end();) {
    const auto attempt = next++;
    if (attempt->second.until > now) continue;
    conclude(attempt->first, "", {SaslOutcome::temporary, "", "took longer than auth_timeout"});
  }
}

void ClientDoor::send_tables() {
  auto memory = parts_.keeper.sealed();
  if (memory) {
    door_->send_or_close(NewTables{std::move(*memory)});
  } else {
    door_->close(memory.error().text);
  }
}

void find_account(Parts& parts, const std::string& name, const std::function<void(const Found&)>& callback) {
  const auto accounts = parts.keeper.accounts();
  if (const auto found = accounts->find_in_file(name)) return callback(*found);
  auto found = std::make_shared<Found>();
  const bool runs = parts.names.run([accounts, name, found] { *found = accounts->find(name); },
                                    [found, callback] { callback(*found); });
  if (runs) return;
  found->existence = Existence::temporary;
  found->text = "too many questions at once";
  callback(*found);
}

}  // namespace facteur::auth
