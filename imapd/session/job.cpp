#include "imapd/session/job.h"

namespace facteur::imapd {

namespace {

/// The mailbox is not what the client knows: the session cannot go on.
void give_up(Context& context, const Error& error) {
  warn(context, error);
  context.bye = "The selected mailbox is gone";
}

/// Whether it will pass: an mbox that another program has locked is no other mailbox.
bool passes(const Error& error) {
  return error.kind == Kind::temporary || error.kind == Kind::timeout;
}

}  // namespace

bool Job::run(Context& context) {
  if (!loaded_ && !load(context)) return true;
  if (task_ && !reply_) {
    reply_ = task_->run(context);
    if (context.cut || !context.bye.empty()) return true;
    if (!reply_) return false;
  }
  if (tell_ == Tell::nothing || !context.selected) return true;
  if (!refreshed_ && !refresh(context)) return true;
  return context.selected->report(context.out, tell_ == Tell::all_with_uids);
}

/// Reads the mailbox that SELECT has only counted, for a command that looks at messages.
bool Job::load(Context& context) {
  loaded_ = true;
  if (!needs_view_ || !context.selected) return true;
  const auto loaded = context.selected->load(context.out);
  if (loaded) return true;
  if (passes(loaded.error())) {
    reply_ = store_failed(context, loaded.error(), no("Mailbox is gone"));
    return false;
  }
  give_up(context, loaded.error());
  return false;
}

/// Finds what has changed. That it cannot be found now takes nothing from the command that is done.
bool Job::refresh(Context& context) {
  refreshed_ = true;
  auto& selected = *context.selected;
  if (drain_watch_) selected.mailbox().drain_watch();
  auto result = selected.load(context.out);
  if (result) result = selected.refresh(tell_ != Tell::no_expunge);
  if (result) return true;
  if (!passes(result.error())) give_up(context, result.error());
  return false;
}

}  // namespace facteur::imapd
