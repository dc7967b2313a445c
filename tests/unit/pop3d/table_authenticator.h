// An Authenticator for tests: one account, the mechanisms PLAIN and LOGIN, answers when told to.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/login/authenticator.h"

namespace facteur::pop3d {

class TableAuthenticator : public login::Authenticator {
 public:
  TableAuthenticator(std::string user, std::string password) : user_(std::move(user)), password_(std::move(password)) {}

  bool away = false;  ///< authd cannot be asked

  Ticket start(std::string_view mechanism, std::optional<std::string> initial, Callback callback) override {
    mechanism_ = mechanism;
    name_.reset();
    if (!initial) return later(login::Challenge{mechanism == "LOGIN" ? "Username:" : ""}, std::move(callback));
    return step(std::move(*initial), std::move(callback));
  }
  Ticket step(std::string response, Callback callback) override {
    if (mechanism_ == "PLAIN") return later(verdict(response), std::move(callback));
    if (!name_) {
      name_ = std::move(response);
      return later(login::Challenge{"Password:"}, std::move(callback));
    }
    return later(verdict(std::string(1, '\0') + *name_ + std::string(1, '\0') + response), std::move(callback));
  }
  void cancel() override { name_.reset(); }

  /// Gives the answers that are due; false if there were none.
  bool turn() {
    if (answers_.empty()) return false;
    auto answer = std::move(answers_.front());
    answers_.pop_front();
    answer();
    return true;
  }

 private:
  login::Verdict verdict(const std::string& message) const {
    if (message == *login::plain_message(user_, password_)) return login::Granted{"ticket", user_, {}};
    return login::Denied{};
  }
  Ticket later(login::Verdict verdict, Callback callback) {
    if (away) verdict = login::Unavailable{};
    auto [ticket, reply] = ask<login::Verdict>(std::move(callback));
    answers_.push_back([answer = std::move(reply), verdict = std::move(verdict)]() mutable { answer(verdict); });
    return std::move(ticket);
  }

  std::string user_, password_, mechanism_;
  std::optional<std::string> name_;
  std::deque<std::function<void()>> answers_;
};

}  // namespace facteur::pop3d
