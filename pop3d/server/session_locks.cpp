#include "pop3d/server/session_locks.h"

#include <mutex>
#include <set>

namespace facteur::pop3d {

struct SessionLocks::Held {
  std::mutex mutex;
  std::set<std::string> accounts;
};

SessionLocks::SessionLocks() : held_(std::make_shared<Held>()) {
}

std::shared_ptr<void> SessionLocks::take(const std::string& account) {
  const std::scoped_lock lock(held_->mutex);
  if (!held_->accounts.insert(account).second) return nullptr;
  const auto release = [held = held_, account](void*) {
    const std::scoped_lock release_lock(held->mutex);
    held->accounts.erase(account);
  };
  return {held_.get(), release};
}

}  // namespace facteur::pop3d
