#include "smtpd/server/auth_door.h"

#include <utility>

#include "common/fs/files.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

namespace facteur::smtpd {

void AuthDoor::connect(std::unique_ptr<ipc::Door> door) {
  if (door_) broken();
  door_ = std::move(door);
  door_->on<auth::SaslReply>([this](const auth::SaslReply& reply) { sasl_reply(reply); });
  door_->on<auth::AccountAnswer>([this](const auth::AccountAnswer& reply) { account_answer(reply); });
  door_->on<auth::NewTables>([this](const auth::NewTables& message) { new_tables(message); });
  door_->on_close([this](const std::string& why) {
    log::warning("door to authd: {}", why);
    // Not from within the door's own handler.
    loop_.post([this, closed = door_.get()] {
      if (door_.get() == closed) broken();
    });
  });
  connections_.use(*door_);
  door_->open();
}

void AuthDoor::broken() {
  connections_.lost();
  door_.reset();
  auto logins = std::exchange(logins_, {});
  for (auto& [id, answer] : logins) answer(login::Unavailable{});
  auto accounts = std::exchange(accounts_, {});
  for (auto& [id, answer] : accounts) answer(Mailbox::temporary);
}

template <class Message, class Value, class Map>
Ticket AuthDoor::send(Message message, Map& pending, Value if_closed, std::function<void(Value)> callback) {
  auto [ticket, answer] = ask<Value>(std::move(callback));
  const auto id = message.id;
  if (door_ && door_->send(std::move(message))) {
    pending.insert_or_assign(id, std::move(answer));
  } else {
    loop_.post([answer = std::move(answer), if_closed]() mutable { answer(if_closed); });
  }
  return std::move(ticket);
}

Ticket AuthDoor::sasl_start(auth::SaslStart message, std::function<void(login::Verdict)> callback) {
  return send<auth::SaslStart, login::Verdict>(std::move(message), logins_, login::Unavailable{}, std::move(callback));
}

Ticket AuthDoor::sasl_step(auth::SaslStep message, std::function<void(login::Verdict)> callback) {
  return send<auth::SaslStep, login::Verdict>(std::move(message), logins_, login::Unavailable{}, std::move(callback));
}

void AuthDoor::sasl_cancel(std::uint64_t id) {
  logins_.erase(id);
  if (door_) (void)door_->send(auth::SaslCancel{id});
}

Ticket AuthDoor::exists(const std::string& account, std::function<void(Mailbox)> callback) {
  return send<auth::AccountQuery, Mailbox>({next_id(), account}, accounts_, Mailbox::temporary, std::move(callback));
}

/// Success without a name is no success (AUT-10).
void AuthDoor::sasl_reply(const auth::SaslReply& reply) {
  auto found = logins_.extract(reply.id);
  if (found.empty()) return;
  auto& answer = found.mapped();
  switch (reply.outcome) {
    case auth::SaslOutcome::challenge: return answer(login::Challenge{reply.challenge});
    case auth::SaslOutcome::failure: return answer(login::Denied{});
    case auth::SaslOutcome::success:
      if (reply.login.empty()) break;
      return answer(login::Granted{reply.ticket, reply.login,
                                   reply.challenge.empty() ? std::nullopt : std::optional(reply.challenge)});
    case auth::SaslOutcome::temporary: break;
  }
  answer(login::Unavailable{});
}

void AuthDoor::account_answer(const auth::AccountAnswer& reply) {
  auto found = accounts_.extract(reply.id);
  if (found.empty()) return;
  switch (reply.existence) {
    case auth::Existence::exists: return found.mapped()(Mailbox::exists);
    case auth::Existence::unknown: return found.mapped()(Mailbox::unknown);
    case auth::Existence::temporary: break;
  }
  found.mapped()(Mailbox::temporary);
}

void AuthDoor::new_tables(const auth::NewTables& message) {
  auto octets = fs::read_sealed(message.memory.get());
  if (!octets) return log::error("tables of authd: {}", octets.error().text);
  auto tables = ipc::from_octets<route::Tables>(std::move(*octets));
  if (!tables) return log::error("tables of authd: {}", tables.error().text);
  if (on_tables_) on_tables_(std::move(*tables));
}

Ticket AuthdLogin::start(std::string_view mechanism, std::optional<std::string> initial, Callback callback) {
  attempt_ = door_.next_id();
  auth::SaslStart message{attempt_, auth::Service::smtp, std::string(mechanism), std::move(initial), client_ip_, tls_};
  return door_.sasl_start(std::move(message), std::move(callback));
}

Ticket AuthdLogin::step(std::string response, Callback callback) {
  return door_.sasl_step({attempt_, std::move(response)}, std::move(callback));
}

void AuthdLogin::cancel() {
  if (const auto attempt = std::exchange(attempt_, 0); attempt != 0) door_.sasl_cancel(attempt);
}

}  // namespace facteur::smtpd
