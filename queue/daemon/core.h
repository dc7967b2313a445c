// The heart of queued: which messages are in core, what becomes of their recipients, when they are tried again.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/loop/loop.h"
#include "queue/bounce/bounce.h"
#include "queue/daemon/active.h"
#include "queue/daemon/log_lines.h"
#include "queue/daemon/options.h"
#include "queue/daemon/pool.h"
#include "queue/daemon/results.h"
#include "queue/daemon/routing.h"
#include "queue/schedule/backlog.h"
#include "queue/spool/queue_id.h"
#include "queue/spool/spool.h"

namespace facteur::queue {

/// Why results are what they are, where it is not the recipients'.
struct ReportCause {
  std::string dead_site;      ///< deferred because this site is dead
  bool process_lost = false;  ///< deferred because a process of ours ended
};

constexpr const char* set_aside_line = "moved to corrupt/: programs aborted over it";

/// All messages that queued has. Nothing is taken up before tables() was called.
class Core {
 public:
  Core(loop::Loop& loop, std::shared_ptr<Spool> spool, Options options);

  void set_transports(Transport& local, Transport& remote);
  void set_options(const Options& options) { options_ = options; }
  void set_tables(route::Tables tables);
  /// Begins with what lies in the spool since an earlier time.
  void scan();

  /// Runs `then` once it is known what lies in the spool: who asks for a message before would hear that it is not
  /// there.
  void when_scanned(std::function<void()> then);

  /// A new message is committed.
  void committed(const std::string& queue_id, Loaded loaded);
  /// queued makes a file of this name itself: the scan must not take it for one of an earlier time.
  void made(const std::string& queue_id);
  /// The message of an attempt; nullptr if there is none (any more).
  [[nodiscard]] Active* find(std::uint64_t key);
  /// Results of recipients of one message.
  void report(std::uint64_t key, std::vector<RecipientResult> results, const AttemptTimes& times,
              const ReportCause& cause = {});
  /// Recipients that are not tried because of a wish.
  void skip(std::uint64_t key, std::size_t count);
  /// A dead site answered: these wait no longer.
  void release(const std::vector<std::string>& queue_ids);

  /// All messages, or one, are tried now. False if there is no such message waiting.
  void flush();
  [[nodiscard]] bool flush(const std::string& queue_id);
  /// Removes a message or puts it on hold, now or when its attempts have ended. False if it neither waits nor is in
  /// core.
  [[nodiscard]] bool wish(const std::string& queue_id, Wish wish);
  /// Programs aborted over this message: it goes to corrupt/, unread.
  void condemn(const std::string& queue_id);
  /// A message came back from hold/.
  void enqueue(const std::string& queue_id);

  /// The settings of retries and lifetime that hold for this message.
  [[nodiscard]] RetryTimes times_for(const Active& active) const;
  [[nodiscard]] std::unordered_set<std::string> active_ids() const;
  [[nodiscard]] std::size_t in_core() const { return active_.size(); }
  [[nodiscard]] std::size_t waiting() const { return backlog_.size() + unseen_.size(); }
  /// Takes up nothing more; `idle` runs once no message is in core.
  void stop(std::function<void()> idle);
  /// Looks at messages that the core is waiting for no more: at the end of a pass, by timer.
  void pump();

 private:
  // core.cpp: taking up
  /// Why a file is read: it was found at the start, and may not be due; or it is due.
  enum class Look : std::uint8_t { first, due };
  struct Loading {
    Look look;
    Wish wish;
  };
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] bool may_load() const;
  void load(const std::string& queue_id, Look look);
  void loaded(const std::string& queue_id, Loaded loaded, Loading loading);
  void not_loaded(const std::string& queue_id, const Error& error);
  void set_aside(const std::string& queue_id, Folder folder, const std::string& line);
  void take_up(const std::string& queue_id, Loaded loaded, Wish wish, bool untried);
  void recall_unrecorded(Active& active);
  bool take_unseen(const std::string& queue_id);
  void set_timer();

  // core_routing.cpp: handing out
  void route(Active& active);
  bool refuse_loop(Active& active);
  void sort_out(Active& active, std::uint32_t first_number);
  void replace(Active& active, std::vector<std::pair<std::uint32_t, std::vector<std::string>>> replaced);
  void replaced(std::uint64_t key, std::vector<Recipient> children, std::vector<std::uint32_t> parents,
                const Result<std::uint64_t>& appended);
  void log_merged(const Active& active, std::uint32_t number) const;

  // core_pass.cpp: the end of recipients, passes and messages
  [[nodiscard]] static Delays delays_of(const Active& active, const AttemptTimes& times);
  void settle(Active& active, RecipientResult result, const AttemptTimes& times);
  void advance(Active& active);
  void append(Active& active);
  void bounce(Active& active);
  void bounced(Active& active, const std::vector<RecipientResult>& failed, const std::vector<BounceWritten>& written);
  void finish_records(Active& active);
  void remove(Active& active);
  void park(Active& active);
  void forget(Active& active);
  [[nodiscard]] std::string postmaster_address() const;

  loop::Loop& loop_;
  std::shared_ptr<Spool> spool_;
  Options options_;
  std::optional<Router> router_;
  Transport* local_ = nullptr;
  Transport* remote_ = nullptr;

  Backlog backlog_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Active>> active_;
  std::unordered_map<std::string, std::uint64_t> keys_;  ///< of messages in core, by queue id
  std::deque<std::string> unseen_;                       ///< found at the start, not looked at yet; sorted
  bool flushed_ = false;                                 ///< those are all due, whatever they say
  std::unordered_map<std::string, Loading> loading_;     ///< queue ids being read
  std::unordered_map<std::string, unsigned> losses_;     ///< passes cut short by the end of a process of ours
  /// Deliveries that could not be recorded (the disk is full): not repeated as long as we live.
  std::unordered_map<std::string, std::vector<Outcome>> unrecorded_;
  std::unordered_set<std::string> made_;       ///< until the scan is over
  std::unordered_set<std::string> condemned_;  ///< to be set aside before they are read again
  bool scanned_ = false;
  std::vector<std::function<void()>> on_scanned_;
  std::size_t recipients_in_core_ = 0;
  std::uint64_t next_key_ = 1;
  bool pumping_ = false;
  std::function<void()> on_idle_;

  loop::Timer timer_;
  Pool pool_;
  Batcher<std::string, Result<>> removals_;
};

}  // namespace facteur::queue
