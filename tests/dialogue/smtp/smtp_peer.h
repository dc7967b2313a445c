// The SMTP engine as the peer of a dialogue.
#pragma once

#include <memory>

#include "smtpd/session/session.h"
#include "tests/dialogue/dialogue.h"
#include "tests/dialogue/smtp/fakes.h"

namespace facteur::smtpd::testing {

/// The @ lines of a dialogue.
using Given = std::vector<std::pair<std::string, std::string>>;

/// A session with its world. Pauses are over at once; answers come when a piece has been fed.
class SmtpPeer final : public dialogue::Peer {
 public:
  /// `given` are the @ lines of a dialogue. Keys: role, client, mynetworks, tls (none, offered, required, implicit),
  /// plaintext_auth, and settings by their names in postconf(5).
  explicit SmtpPeer(const Given& given = {});

  std::string greeting() override;
  std::string feed(std::string_view octets) override;
  /// tls, closewrite, expire, shutdown, "fault open|finish|room|mailbox|authd".
  std::string directive(std::string_view words) override;
  [[nodiscard]] bool closed() const override { return session->next() == Next::close; }

  World world;
  Limits limits;
  ClientFacts client;
  std::unique_ptr<Session> session;

 private:
  void set(const std::string& key, const std::string& value);
  std::string settle();
};

}  // namespace facteur::smtpd::testing
