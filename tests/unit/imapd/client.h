// The engine behind login with the queue that its jobs wait in, for tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/executor.h"
#include "common/store/memory/account.h"
#include "imapd/session/session.h"

namespace facteur::imapd {

/// A session behind login and the queue its jobs wait in.
class Client {
 public:
  explicit Client(Session::Opener open, Settings settings = {}) : session(pool, std::move(open), settings) {}
  explicit Client(const store::MemoryAccount& account, Settings settings = {})
      : Client([account] { return std::make_unique<store::MemoryAccount>(account); }, settings) {}

  /// What the server says to these octets, all jobs done and all output taken.
  std::string say(std::string_view octets) {
    session.feed(octets);
    return settle();
  }
  std::string settle() {
    std::string said;
    for (bool more = true; more;) {
      more = pool.turn();
      const auto output = session.take_output();
      said += output;
      more = more || !output.empty();
    }
    return said;
  }

  QueueExecutor pool;
  Session session;
};

}  // namespace facteur::imapd
