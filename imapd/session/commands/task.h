// The part of a command that needs the store. Store calls block, so a task runs on the executor, in slices: each fills
// the output a little and ends, so that a large answer never stands in memory whole and a slow reader holds it up.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/store/mailbox.h"
#include "imapd/session/mailbox/selected.h"
#include "imapd/wire/reply.h"

namespace facteur::imapd {

/// What tasks work on. It belongs to the slice that runs, and to the session while none does.
struct Context {
  std::string user;  ///< the name of the account, for the log
  std::unique_ptr<store::Account> account;
  std::unique_ptr<Selected> selected;  ///< none: the authenticated state
  std::string out;                     ///< untagged responses
  std::string bye;                     ///< why the session cannot go on, if it cannot
  bool cut = false;                    ///< the output ends inside a literal: nothing can follow it

  /// True when a slice has filled its share.
  [[nodiscard]] bool full() const { return out.size() >= output_slice; }
};

class Task {
 public:
  virtual ~Task() = default;
  /// One slice. The end of the command, or nothing when there is more to do.
  [[nodiscard]] virtual std::optional<Reply> run(Context& context) = 0;
};

/// The end of a command that needed no store.
struct Done {
  std::string untagged;
  Reply reply;
};
/// What the handler of a command comes to.
using Step = std::variant<Done, std::unique_ptr<Task>>;

/// A task of one slice, from a callable Reply(Context&).
template <class Call>
[[nodiscard]] Step one_slice(Call call) {
  class OneSlice : public Task {
   public:
    explicit OneSlice(Call call) : call_(std::move(call)) {}
    std::optional<Reply> run(Context& context) override { return call_(context); }

   private:
    Call call_;
  };
  return std::make_unique<OneSlice>(std::move(call));
}

[[nodiscard]] inline Step done(Reply reply) {
  return Done{{}, std::move(reply)};
}

/// A line of the log on whose mailbox has what: many accounts share a process.
void warn(const Context& context, const Error& error);

/// What to tell the client of an error of the store: `refused` when trying again will not help, else that it is our
/// fault. The error itself goes to the log: its words may name paths.
[[nodiscard]] Reply store_failed(const Context& context, const Error& error, Reply refused);

}  // namespace facteur::imapd
