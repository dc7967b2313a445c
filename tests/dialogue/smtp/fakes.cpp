#include "tests/dialogue/smtp/fakes.h"

#include <algorithm>
#include <cerrno>

#include "common/base/encode.h"
#include "common/base/strings.h"
#include "smtpd/policy/policy.h"

namespace facteur::smtpd::testing {
namespace {

class FakeReception final : public Reception {
 public:
  FakeReception(World& world, Accepted message) : world_(world), message_(std::move(message)) {
    ++world_.open_receptions;
  }
  ~FakeReception() override { --world_.open_receptions; }
  [[nodiscard]] const std::string& queue_id() const override { return message_.queue_id; }
  bool write(std::string_view content) override {
    check(!waiting_, "written to although it was full");
    message_.content += content;
    waiting_ = world_.faults.full_after_each_write;
    return !waiting_;
  }
  Ticket drained(std::function<void(bool)> callback) override {
    return world_.later<bool>(std::move(callback), [this] {
      waiting_ = false;
      return true;
    });
  }
  Ticket finish(std::string top_headers, std::function<void(Result<>)> callback) override {
    message_.top_headers = std::move(top_headers);
    return world_.later<Result<>>(std::move(callback), [this]() -> Result<> {
      if (world_.faults.finish_errno != 0) return fail_errno("sync", world_.faults.finish_errno);
      world_.accepted.push_back(message_);
      return {};
    });
  }

 private:
  World& world_;
  Accepted message_;
  bool waiting_ = false;
};

}  // namespace

Services World::services() {
  return {*this, *this, *this, [this](std::string_view line) { log.emplace_back(line); }};
}

void World::settle() {
  while (!due_.empty()) {
    const auto give = std::move(due_.front());
    due_.pop_front();
    give();
  }
}

bool World::logged(std::string_view part) const {
  return std::any_of(log.begin(), log.end(), [&](const auto& line) { return line.contains(part); });
}

Ticket World::judge(RecipientFacts facts, std::function<void(Decision)> callback) {
  return later<Decision>(std::move(callback), [this, facts]() mutable {
    facts.client.in_mynetworks =
        std::ranges::any_of(mynetworks, [&](const auto& network) { return network.contains(facts.client.ip); });
    auto decision = judge_recipient(facts, rules);
    if (decision.action != Action::look_up) return decision;
    facts.mailbox =
        accounts.contains(decision.account.substr(0, decision.account.rfind('@'))) ? Mailbox::exists : Mailbox::unknown;
    if (faults.mailbox_unknown_now) facts.mailbox = Mailbox::temporary;
    return judge_recipient(facts, rules);
  });
}

login::Verdict World::check_login(const std::string& user, const std::string& given) const {
  if (!accounts.contains(user) || given != password) return login::Denied{};
  return login::Granted{"", user + "@our.test", std::nullopt};
}

login::Verdict World::plain(const std::string& message) const {
  const auto parts = split(message, '\0');
  if (parts.size() != 3) return login::Denied{};
  return check_login(std::string(parts[1]), std::string(parts[2]));
}

Ticket World::start(std::string_view mechanism, std::optional<std::string> initial, Callback callback) {
  mechanism_ = mechanism;
  has_user_ = false;
  if (initial) return step(*initial, std::move(callback));
  const std::string prompt = mechanism_ == "LOGIN" ? "Username:" : "";
  return later<login::Verdict>(std::move(callback), [prompt] { return login::Challenge{prompt}; });
}

Ticket World::step(std::string response, Callback callback) {
  return later<login::Verdict>(std::move(callback), [this, response]() -> login::Verdict {
    if (faults.authd_away) return login::Unavailable{};
    if (mechanism_ == "PLAIN") return plain(response);
    if (has_user_) return check_login(login_user_, response);
    login_user_ = response;
    has_user_ = true;
    return login::Challenge{"Password:"};
  });
}

Ticket World::open(queue::Envelope envelope, std::vector<queue::Recipient> recipients,
                   std::function<void(Opened)> callback) {
  Accepted message{base62(++next_id_, 12), std::move(envelope), std::move(recipients), {}, {}};
  return later<Opened>(std::move(callback), [this, message]() -> Opened {
    if (faults.open_errno != 0) return fail_errno("slot", faults.open_errno);
    return std::make_unique<FakeReception>(*this, message);
  });
}

}  // namespace facteur::smtpd::testing
