// What `remote` does for queued: questions about domains, and attempts, many of each at once on one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "common/ipc/door.h"
#include "delivery/remote/attempt.h"
#include "delivery/remote/connection_cache.h"
#include "delivery/remote/environment.h"
#include "delivery/remote/lookup.h"

namespace facteur::remote {

/// Serves the doors of queued; a new door takes the place of the one before, and what the old one asked for is dropped
/// with it: queued asks again.
class Service {
 public:
  explicit Service(Environment& environment);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service() = default;

  void serve(std::unique_ptr<ipc::Door> door);
  /// Attempts under way.
  [[nodiscard]] std::size_t attempts() const { return attempts_.size(); }
  /// From now on `handler` runs whenever the last attempt has ended; at once if there is none.
  void when_idle(std::function<void()> handler);

  static constexpr std::size_t most_attempts = 2000;
  static constexpr std::size_t most_lookups = 500;

 private:
  void resolve(queue::Resolve request);
  void attempt(queue::Attempt request);
  void refuse(const queue::Attempt& request);
  void closed(const std::string& why);

  Environment& environment_;
  ConnectionCache cache_;
  std::unique_ptr<ipc::Door> door_;
  std::list<std::unique_ptr<Lookup>> lookups_;
  std::list<std::unique_ptr<Attempt>> attempts_;
  std::function<void()> when_idle_;
};

}  // namespace facteur::remote
