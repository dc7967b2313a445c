// Who is tried next. Recipients wait at sites (a site is a set of hosts, or a local worker); each site has a window of
// attempts, a dead site keeps its recipients from being tried one by one, and small mail passes big lists. No I/O and
// no clock: the caller brings both, so a test runs days in microseconds.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/time.h"
#include "queue/schedule/backoff.h"
#include "queue/schedule/window.h"

namespace facteur::queue {

/// Bounds of one kind of delivery, local or remote.
struct ScheduleLimits {
  std::size_t attempts = 100;               ///< at a time, over all sites
  std::size_t initial_window = 5;           ///< initial_destination_concurrency
  std::size_t most_window = 20;             ///< default_destination_concurrency_limit
  std::size_t recipients_per_attempt = 50;  ///< default_destination_recipient_limit
  std::size_t new_mail_per_big_list = 5;    ///< attempts of new mail between two of lists under way
};

/// The sites of one kind of delivery and the recipients that wait at them.
class Scheduler {
 public:
  using Key = std::uint64_t;  ///< the caller's number of a message in core

  /// Recipients of one message that go together.
  struct Batch {
    Key message = 0;
    std::string site;
    std::vector<std::uint32_t> numbers;
  };
  /// A site that nobody could talk to.
  struct Dead {
    MonotonicTime until;
    WallTime tried;  ///< when the last attempt at it failed
    std::string reason;
  };

  Scheduler(ScheduleLimits limits, RetryTimes times) : limits_(limits), times_(times) {}
  /// Other settings from now on. A window wider than it may be shrinks at once; attempts under way go on.
  void set_limits(ScheduleLimits limits, RetryTimes times);

  /// Lets recipients wait at a site.
  void add(Key message, const std::string& site, std::vector<std::uint32_t> numbers);
  /// The next attempt to make; nothing when no site may have one now.
  [[nodiscard]] std::optional<Batch> next();

  /// An attempt at a site ended and had reached it. Gives the queue ids that wait for the site.
  [[nodiscard]] std::vector<std::string> reached(const std::string& site);
  /// An attempt ended without an answer of any host. When the site is dead now, gives the recipients that were still to
  /// be tried: they have failed for now, for the same reason.
  [[nodiscard]] std::vector<Batch> unreachable(const std::string& site, const std::string& reason, MonotonicTime now,
                                               WallTime wall_now, double jitter);
  /// An attempt ended in a way that says nothing about the site.
  void abandoned(const std::string& site);

  /// Why the site is not tried now; nothing if it may be.
  [[nodiscard]] const Dead* dead(const std::string& site, MonotonicTime now) const;
  /// The message waits on disk for the site: reached() will name it.
  void wait_for(const std::string& site, const std::string& queue_id);

  /// True while recipients wait at the site or attempts run there.
  [[nodiscard]] bool has(const std::string& site) const;
  /// Takes back the recipients that wait at a site: it is gone for good.
  [[nodiscard]] std::vector<Batch> give_up(const std::string& site);
  /// No site counts as dead any more: somebody wants everything tried now.
  void revive();
  /// Forgets dead sites of which nothing was heard for long; now and then.
  void sweep(MonotonicTime now);

  [[nodiscard]] std::size_t attempts() const { return attempts_; }
  [[nodiscard]] std::size_t sites() const { return sites_.size(); }
  [[nodiscard]] std::size_t window(const std::string& site) const;

 private:
  struct Job {
    Key message = 0;
    std::vector<std::uint32_t> numbers;
    std::size_t begun = 0;  ///< numbers before it were given out
  };
  struct Site {
    explicit Site(const ScheduleLimits& limits) : window(limits.initial_window, limits.most_window) {}
    Window window;
    std::size_t attempts = 0;
    std::deque<Job> fresh;      ///< nothing of them was tried yet
    std::deque<Job> under_way;  ///< lists larger than one attempt, taking turns
    std::size_t passed = 0;     ///< fresh ones taken since the last turn of those
    bool ready = false;         ///< is in ready_
    unsigned deaths = 0;
    std::optional<Dead> dead;
    MonotonicTime last_failure;
    std::unordered_set<std::string> waiting;
    /// Nothing waits here and nothing runs.
    [[nodiscard]] bool idle() const;
  };

  void make_ready(const std::string& name, Site& site);
  [[nodiscard]] bool may_start(const Site& site) const;
  Batch take_batch(const std::string& name, Site& site);
  std::vector<Batch> take_back(const std::string& name, Site& site);
  Site& ended(const std::string& name);
  void forget_if_idle(const std::string& name);

  ScheduleLimits limits_;
  RetryTimes times_;
  std::unordered_map<std::string, Site> sites_;
  std::deque<std::string> ready_;
  std::size_t attempts_ = 0;
};

}  // namespace facteur::queue
