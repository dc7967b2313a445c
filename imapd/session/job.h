// One command on its way through the store: its task, then what else has changed in the mailbox, in slices.
#pragma once

#include <memory>
#include <optional>

#include "imapd/session/commands/task.h"

namespace facteur::imapd {

/// What the client may be told behind the answer of a command.
enum class Tell : std::uint8_t {
  nothing,
  all,
  all_with_uids,  ///< behind a UID command, whose FETCH responses have the UID (RFC 3501 section 6.4.8)
  no_expunge,     ///< sequence numbers must keep their meaning
};

/// Made when a command begins, run slice by slice on the executor.
class Job {
 public:
  /// Without a task: only what has changed (IDLE).
  Job(std::unique_ptr<Task> task, Tell tell, bool needs_view, bool drain_watch)
      : task_(std::move(task)), tell_(tell), needs_view_(needs_view), drain_watch_(drain_watch) {}

  /// One slice. True when all is done.
  [[nodiscard]] bool run(Context& context);
  /// The end of the command, when all is done; nothing if it had no task, or could not be begun.
  [[nodiscard]] const std::optional<Reply>& reply() const { return reply_; }

 private:
  bool load(Context& context);
  bool refresh(Context& context);

  std::unique_ptr<Task> task_;
  Tell tell_;
  bool needs_view_;
  bool drain_watch_;
  bool loaded_ = false;
  bool refreshed_ = false;
  std::optional<Reply> reply_;
};

}  // namespace facteur::imapd
