// One client's IMAP session behind login, without I/O: octets in, octets out (RFC 3501 with the extensions of
// wire/capabilities.h). Commands are worked on one by one; those that need the store run on an Executor in slices.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/executor.h"
#include "common/login/session_engine.h"
#include "imapd/session/commands/command_table.h"
#include "imapd/session/commands/settings.h"
#include "imapd/session/job.h"
#include "imapd/wire/command_reader.h"

namespace facteur::imapd {

class Session final : public login::SessionEngine {
 public:
  /// Opens the account. Blocks; runs on the executor.
  using Opener = std::function<Result<std::unique_ptr<store::Account>>()>;

  /// `executor` must outlive the session. The session may be destroyed at any moment between two calls.
  Session(Executor& executor, Opener open, Settings settings);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override = default;

  /// Of watching() too.
  void on_change(std::function<void()> handler) override { on_change_ = std::move(handler); }
  /// Opens the account and answers the command that logged in, with the capabilities (RFC 3501 section 6.2.2): first
  /// call of all. If the mail cannot be opened the answer is NO [UNAVAILABLE], and the session ends.
  void start(std::string tag);
  void feed(std::string_view octets) override;
  [[nodiscard]] std::string take_output() override;
  [[nodiscard]] bool wants_input() const override;
  [[nodiscard]] bool idle() const override { return !ticket_ && !shared_->job && out_.empty(); }
  [[nodiscard]] bool closed() const override { return closed_; }

  /// True while the client listens (IDLE) and watch_descriptor() is worth watching; when it becomes readable, say
  /// mailbox_changed(), and watch again when this is true again.
  [[nodiscard]] bool watching() const;
  [[nodiscard]] int watch_descriptor() const;
  void mailbox_changed();

  /// A word to a client that idles, so that no router forgets the connection (imap_idle_notify_interval); and a look at
  /// the mailbox, for changes that nobody told: other hosts make them on NFS, and a machine may be out of watches.
  void keep_alive();
  /// BYE (RFC 3501 section 5.4), as soon as no command is at work.
  void time_out() override { end("Autologout; idle for too long"); }
  void shut_down() override { end("Server shutting down"); }

 private:
  /// What a job works on; a job that outlives the session keeps it.
  struct Shared {
    Context context;
    std::unique_ptr<Job> job;
    bool done = false;
  };

  void run();
  bool next_command();
  void dispatch(const Command& command);
  void handle(Parser& parser, const CommandInfo& info);
  bool idle_line();
  void start_job(std::unique_ptr<Task> task, Tell tell, bool needs_view, bool drain_watch);
  void next_slice();
  void slice_done();
  void job_done();
  void answer(const Reply& reply);
  void refused(std::string_view text, const Reply& reply);
  void fatal(const Reply& reply);
  void end(std::string why);
  void end_now();
  void say_bye(std::string_view why);
  LiteralPlan plan_literal(std::string_view text) const;
  [[nodiscard]] std::uint8_t state() const;
  [[nodiscard]] bool full() const { return out_.size() >= output_slice; }

  Executor& executor_;
  Opener open_;
  Settings settings_;
  CommandReader reader_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  Ticket ticket_;  ///< of the slice at work
  std::string out_;
  std::string tag_;  ///< of the command at work
  const CommandInfo* command_ = nullptr;
  std::string bye_;  ///< said when the job at work is done
  bool idling_ = false;
  bool changed_ = false;  ///< the mailbox, while a job was at work
  bool closed_ = false;
  std::size_t bad_commands_ = 0;
  std::function<void()> on_change_;
};

}  // namespace facteur::imapd
