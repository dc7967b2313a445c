// The exclusive lock of a maildrop (RFC 1939 section 4). All POP3 sessions of an account are in one worker, so the lock
// is in memory: it ends with the session or with the process, and no file of it can be left behind.
#pragma once

#include <memory>
#include <string>

namespace facteur::pop3d {

/// Who holds what. For several threads; locks may outlive it.
class SessionLocks {
 public:
  SessionLocks();
  /// Held until the last copy of the pointer is gone; null if somebody has it.
  [[nodiscard]] std::shared_ptr<void> take(const std::string& account);

 private:
  struct Held;
  std::shared_ptr<Held> held_;
};

}  // namespace facteur::pop3d
