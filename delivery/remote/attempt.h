// One attempt at one message: host after host, until each recipient has a result or there is no host left.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "delivery/remote/connection_cache.h"
#include "delivery/remote/environment.h"
#include "delivery/remote/session.h"
#include "queue/doors.h"

namespace facteur::remote {

/// Works off one queue::Attempt. Destroyed, it drops the connection in use.
class Attempt {
 public:
  /// `done` runs once, from the loop; it may destroy the Attempt.
  Attempt(Environment& environment, ConnectionCache& cache, queue::Attempt request,
          std::function<void(queue::Attempted)> done);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void start();

  /// Everything together, connections included, however slowly a server answers.
  static constexpr Seconds most_time{2 * 3600};

 private:
  void opened(Result<MessageSource> source);
  void next_target();
  void talk(bool fresh, config::TlsLevel tls);
  void heard(Session::Report report);
  void settle(Outcome outcome);
  [[nodiscard]] bool more_targets() const;
  [[nodiscard]] Mail mail() const;
  void finish();

  Environment& environment_;
  ConnectionCache& cache_;
  queue::Attempt request_;
  std::function<void(queue::Attempted)> done_;
  std::shared_ptr<MessageSource> source_;
  std::shared_ptr<Session> session_;
  std::map<std::uint32_t, queue::AttemptRecipient> open_;         ///< recipients without a last word, by number
  std::map<std::uint32_t, queue::RecipientResult> last_results_;  ///< what the last host said of them
  queue::Attempted answer_;
  std::size_t target_ = 0;  ///< index of the next one
  std::uint64_t sessions_ = 0;
  bool any_established_ = false;
  MonotonicTime began_ = monotonic_now();
  MonotonicTime mail_began_{};
  loop::Timer alarm_;
  Ticket opening_;
};

}  // namespace facteur::remote
