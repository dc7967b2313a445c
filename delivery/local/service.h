// What `local` does for queued and master: it knows accounts, and delivers to them on the work pool, many at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "auth/doors.h"
#include "common/ipc/door.h"
#include "common/loop/loop.h"
#include "config/settings.h"
#include "delivery/local/inbox.h"
#include "delivery/local/message_content.h"
#include "queue/doors.h"

namespace facteur::local {

class Service {
 public:
  /// `settings` may change between calls.
  Service(loop::Loop& loop, const config::Settings& settings);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service() = default;

  /// For accounts that are added from now on: takes the dotlock of an mbox where we may make none.
  void set_keeper(std::shared_ptr<store::DotlockKeeper> keeper) { keeper_ = std::move(keeper); }
  /// An account to deliver for; a known one is replaced if its mail lies elsewhere now.
  void add(const auth::Account& account);
  /// The same for one that came after the jail was closed: what is missing of its mail is made first, then `done`.
  void add_and_make(auth::Account account, std::function<void()> done);

  /// A door of queued; a new one takes the place of the one before. Deliveries of the old one are finished, and nobody
  /// is told: queued tries again, and finds them done.
  void serve(std::unique_ptr<ipc::Door> door);
  [[nodiscard]] bool idle() const { return deliveries_.empty(); }
  /// Runs when nothing is under way any more; at once if nothing is.
  void when_idle(std::function<void()> handler);
  /// Asks queued after so long without work whether it may end, and runs `end` when it may. After an error of a mailbox
  /// it asks soon: a jail that was built around files is of no use when they are others now, and a new worker's is.
  void end_when_idle(Seconds after, std::function<void()> end);

 private:
  struct Delivery {
    std::uint64_t door = 0;  ///< the door that the answer goes to
    queue::Delivered answer;
    std::size_t open = 0;
    MonotonicTime began{};
  };
  /// What the jobs of one message share.
  struct Message {
    std::string queue_id;
    std::string reverse_path;
    std::int64_t arrival = 0;
    bool first_attempt = false;
    bool content_only = false;
    std::shared_ptr<const Fd> file;
  };

  void deliver(queue::Deliver request);
  void start_job(std::uint64_t key, const std::shared_ptr<const Message>& message, queue::LocalRecipient recipient);
  void finished(std::uint64_t key, queue::RecipientResult result);
  void may_end();
  void restart_clock();
  static queue::RecipientResult put(Inbox& inbox, const Message& message, const queue::LocalRecipient& recipient);

  loop::Loop& loop_;
  const config::Settings& settings_;
  std::shared_ptr<store::DotlockKeeper> keeper_;
  std::map<std::string, std::shared_ptr<Inbox>> accounts_;
  std::map<std::string, std::string> places_;  ///< mail and home by account: whether a record is a new one
  std::unique_ptr<ipc::Door> door_;
  std::uint64_t door_number_ = 0;
  std::map<std::uint64_t, Delivery> deliveries_;
  std::uint64_t last_key_ = 0;
  std::function<void()> when_idle_;
  std::function<void()> end_;
  Milliseconds idle_time_{0};
  static constexpr Milliseconds idle_time_after_error{1000};
  loop::Timer clock_;
};

}  // namespace facteur::local
