// POP3 as a client meets it, for dialogues: the engine before login, the hand-over, the engine behind it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/executor.h"
#include "common/store/memory/account.h"
#include "pop3d/login/login_session.h"
#include "pop3d/session/session.h"
#include "table_authenticator.h"
#include "tests/dialogue/dialogue.h"

namespace facteur::pop3d {

/// Delivers the files of tests/dialogue/maildrops/<name>, in the order of their names.
inline void fill(store::Account& account, const std::string& name) {
  const std::filesystem::path folder = "tests/dialogue/maildrops/" + name;
  if (!std::filesystem::is_directory(folder)) return;
  auto inbox = *account.open("INBOX", false);
  for (const auto& file : std::set<std::filesystem::path>{std::filesystem::directory_iterator(folder), {}}) {
    std::ifstream in(file, std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(in), {}};
    store::NewMessage message;
    message.octets = octets;
    (void)*inbox->append({&message, 1});
  }
}

class Peer : public dialogue::Peer {
 public:
  Peer(login::Options options, std::shared_ptr<store::Account> account, std::optional<OpenFailure> failure = {})
      : account_(std::move(account)), failure_(std::move(failure)), login_(auth, std::move(options)) {}

  std::string greeting() override {
    login_.greet();
    return settle();
  }
  std::string feed(std::string_view octets) override {
    if (session_) {
      session_->feed(octets);
    } else {
      login_.feed(octets);
    }
    return settle();
  }
  std::string directive(std::string_view) override {
    login_.tls_started();
    return settle();
  }
  [[nodiscard]] bool closed() const override {
    return session_ ? session_->closed() : login_.next() == login::Next::close;
  }
  /// The client is gone without QUIT; what was under way comes to its end.
  void drop() {
    session_.reset();
    pool.drain();
  }

  TableAuthenticator auth{"alice", "secret"};
  QueueExecutor pool;

 private:
  /// Lets everything happen that waits for nothing from outside.
  std::string settle() {
    std::string said;
    for (bool more = true; more;) {
      more = auth.turn();
      if (!session_) said += login_.take_output();
      if (!session_ && login_.next() == login::Next::hand_over) hand_over();
      if (!session_) continue;
      more = pool.turn() || more;
      const auto output = session_->take_output();
      said += output;
      more = more || !output.empty();
    }
    return said;
  }
  void hand_over() {
    const auto handover = login_.handover();
    session_.emplace(pool, [this] { return open(); }, SessionOptions{});
    session_->start();
    session_->feed(handover.rest);
  }
  std::expected<OpenMaildrop, OpenFailure> open() {
    if (failure_) return std::unexpected(*failure_);
    std::shared_ptr<store::Mailbox> mailbox = *account_->open("INBOX", false);
    auto snapshot = *mailbox->snapshot();
    return OpenMaildrop{nullptr, std::move(mailbox), std::move(snapshot)};
  }

  std::shared_ptr<store::Account> account_;
  std::optional<OpenFailure> failure_;
  LoginSession login_;
  std::optional<Session> session_;
};

}  // namespace facteur::pop3d
