// Connections kept for a moment between two messages, so that a burst of mail to one host does not begin with a
// greeting each time (Postfix's CONNECTION_CACHE_README).
#pragma once

#include <list>
#include <memory>
#include <string>

#include "delivery/remote/session.h"

namespace facteur::remote {

/// Owns sessions that nobody uses. Each stays for `idle_time`, and no connection is used for longer than `reuse_time`.
class ConnectionCache {
 public:
  explicit ConnectionCache(loop::Loop& loop) : clock_(loop) {}
  ~ConnectionCache();
  ConnectionCache(const ConnectionCache&) = delete;
  ConnectionCache& operator=(const ConnectionCache&) = delete;

  /// A session to this place that can take a message; nothing if there is none.
  [[nodiscard]] std::shared_ptr<Session> take(const Session::Place& place);
  /// Keeps a session, or ends it if it is not reusable, too old, or one too many.
  void give(std::shared_ptr<Session> session);
  void clear();

  static constexpr Milliseconds idle_time{2000};  ///< smtp_connection_cache_time_limit
  static constexpr Seconds reuse_time{300};       ///< smtp_connection_reuse_time_limit
  static constexpr std::size_t most = 200;

 private:
  struct Idle {
    std::string key;
    std::shared_ptr<Session> session;
    MonotonicTime since;
  };
  void expire();

  std::list<Idle> idle_;  ///< oldest first
  loop::Timer clock_;
};

}  // namespace facteur::remote
