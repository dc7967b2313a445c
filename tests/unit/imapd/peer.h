// IMAP as a client meets it, for dialogues: the engine before login, the hand-over, the engine behind it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "../pop3d/table_authenticator.h"
#include "client.h"
#include "common/store/memory/account.h"
#include "imapd/login/login_session.h"
#include "tests/dialogue/dialogue.h"

namespace facteur::imapd {

class Peer : public dialogue::Peer {
 public:
  Peer(login::Options options, Session::Opener open, Settings settings)
      : open_(std::move(open)), settings_(settings), login_(auth, std::move(options)) {}

  std::string greeting() override {
    login_.greet();
    return settle();
  }
  std::string feed(std::string_view octets) override {
    if (client_) return client_->say(octets);
    login_.feed(octets);
    return settle();
  }
  /// "tls": the handshake; "deliver": a message arrives in INBOX by another hand; "unavailable": no worker can be had.
  std::string directive(std::string_view words) override {
    if (words == "tls") login_.tls_started();
    if (words == "unavailable") unavailable_ = true;
    if (words == "deliver") {
      store::NewMessage message;
      message.octets = "Subject: new\r\n\r\nHello\r\n";
      (void)*(*(*open_())->open("INBOX", false))->append({&message, 1});
    }
    if (client_ && client_->session.watching()) client_->session.mailbox_changed();
    return client_ ? client_->settle() : settle();
  }
  [[nodiscard]] bool closed() const override {
    return client_ ? client_->session.closed() : login_.next() == login::Next::close;
  }

  pop3d::TableAuthenticator auth{"alice", "secret"};

 private:
  std::string settle() {
    std::string said;
    do {
      said += login_.take_output();
    } while (auth.turn());
    said += login_.take_output();
    if (login_.next() == login::Next::hand_over) said += hand_over();
    return said;
  }
  std::string hand_over() {
    const auto handover = login_.handover();
    if (unavailable_) {
      login_.handover_failed();
      return login_.take_output();
    }
    client_.emplace(open_, settings_);
    client_->session.start(handover.tag);
    return client_->say(handover.rest);
  }

  Session::Opener open_;
  Settings settings_;
  LoginSession login_;
  std::optional<Client> client_;
  bool unavailable_ = false;
};

}  // namespace facteur::imapd
