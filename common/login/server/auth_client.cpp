#include "common/login/server/auth_client.h"

#include <utility>

#include "common/log/log.h"

namespace facteur::login {

/// The attempts of one connection, one after the other.
class AuthClient::Attempts final : public Authenticator {
 public:
  Attempts(AuthClient& client, const Asker& asker) : client_(client), asker_(asker), timer_(client.loop_) {}
  ~Attempts() override { cancel(); }

  Ticket start(std::string_view mechanism, std::optional<std::string> initial, Callback callback) override {
    cancel();
    id_ = ++client_.last_id_;
    door_number_ = client_.door_number_;
    const bool sent =
        client_.door_ && client_.door_->send(auth::SaslStart{id_, client_.service_, std::string(mechanism),
                                                             std::move(initial), asker_.client_ip, asker_.tls});
    return await(std::move(callback), sent);
  }
  Ticket step(std::string response, Callback callback) override {
    return await(std::move(callback), usable() && client_.door_->send(auth::SaslStep{id_, std::move(response)}));
  }
  void cancel() override {
    if (id_ == 0) return;
    if (usable()) (void)client_.door_->send(auth::SaslCancel{id_});
    end();
  }

 private:
  [[nodiscard]] bool usable() const { return id_ != 0 && client_.door_ && door_number_ == client_.door_number_; }
  void end() {
    client_.answers_.erase(id_);
    timer_.stop();
    id_ = 0;
  }
  Ticket await(Callback callback, bool sent) {
    timer_.start(client_.patience_, [this] {
      log::warning("authd has not answered for client=[{}]", asker_.client_ip);
      if (usable()) (void)client_.door_->send(auth::SaslCancel{id_});
      client_.answer(id_, Unavailable{});
    });
    const auto heard = [this, callback = std::move(callback)](Verdict verdict) {
      timer_.stop();
      if (!std::holds_alternative<Challenge>(verdict)) end();
      callback(std::move(verdict));
    };
    return client_.await(id_, heard, sent);
  }

  AuthClient& client_;
  const Asker& asker_;
  loop::Timer timer_;
  std::uint64_t id_ = 0;  ///< of the attempt under way; 0 if there is none
  std::uint64_t door_number_ = 0;
};

AuthClient::AuthClient(loop::Loop& loop, auth::Service service, Milliseconds patience)
    : loop_(loop), service_(service), patience_(patience) {
}

AuthClient::~AuthClient() {
  *alive_ = false;
}

std::unique_ptr<Authenticator> AuthClient::authenticator(const Asker& asker) {
  return std::make_unique<Attempts>(*this, asker);
}

void AuthClient::use(std::unique_ptr<ipc::Door> door) {
  ++door_number_;
  door_ = std::move(door);
  fail_all();
  door_->on<auth::SaslReply>([this](auth::SaslReply message) { reply(std::move(message)); });
  door_->on_close([this](const std::string& why) {
    log::warning("the door to authd has closed: {}", why);
    ++door_number_;
    fail_all();
  });
  door_->open();
}

Ticket AuthClient::await(std::uint64_t id, Authenticator::Callback callback, bool sent) {
  auto [ticket, reply_to] = ask<Verdict>(std::move(callback));
  answers_.insert_or_assign(id, std::move(reply_to));
  if (!sent) {
    // Told later, as every answer is.
    loop_.post([this, id, alive = alive_] {
      if (*alive) answer(id, Unavailable{});
    });
  }
  return std::move(ticket);
}

/// A success counts only with the ticket that proves it.
void AuthClient::reply(auth::SaslReply message) {
  switch (message.outcome) {
    case auth::SaslOutcome::challenge: return answer(message.id, Challenge{std::move(message.challenge)});
    case auth::SaslOutcome::failure: return answer(message.id, Denied{});
    case auth::SaslOutcome::success: {
      if (message.ticket.empty()) break;
      Granted granted{std::move(message.ticket), std::move(message.login), std::nullopt};
      if (!message.challenge.empty()) granted.last_octets = std::move(message.challenge);
      return answer(message.id, std::move(granted));
    }
    case auth::SaslOutcome::temporary: break;
  }
  answer(message.id, Unavailable{});
}

void AuthClient::answer(std::uint64_t id, Verdict verdict) {
  auto entry = answers_.extract(id);
  if (entry) entry.mapped()(std::move(verdict));
}

void AuthClient::fail_all() {
  for (auto& [id, reply_to] : std::exchange(answers_, {})) reply_to(Unavailable{});
}

}  // namespace facteur::login
