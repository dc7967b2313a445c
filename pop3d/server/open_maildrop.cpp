#include "pop3d/server/open_maildrop.h"

#include <utility>

#include "common/login/worker/mail_account.h"

namespace facteur::pop3d {

namespace {

/// The account goes with its mailbox: stores may share what both use.
struct Inbox {
  std::unique_ptr<store::Account> account;
  std::unique_ptr<store::Mailbox> mailbox;
};

Result<OpenMaildrop> open_inbox(const store::Location& location, const config::Settings& settings, bool suspect,
                                const std::shared_ptr<store::DotlockKeeper>& keeper) {
  auto inbox = std::make_shared<Inbox>();
  auto opened = login::open_account(location, settings, suspect, keeper);
  if (!opened) return fail(opened);
  inbox->account = std::move(*opened);
  auto mailbox = inbox->account->open("INBOX", false);
  if (!mailbox) return fail(mailbox);
  inbox->mailbox = std::move(*mailbox);
  auto snapshot = inbox->mailbox->snapshot();
  if (!snapshot) return fail(snapshot);
  return OpenMaildrop{nullptr, {inbox, inbox->mailbox.get()}, std::move(*snapshot)};
}

}  // namespace

Opener open_maildrop(const auth::Account& account, const config::Settings& settings, bool suspect,
                     std::shared_ptr<store::DotlockKeeper> keeper) {
  return [account, settings, suspect, keeper = std::move(keeper)]() -> std::expected<OpenMaildrop, OpenFailure> {
    const auto location = login::locate(account, settings);
    if (!location) return std::unexpected(OpenFailure{false, location.error()});
    auto lock = store::lock_session(*location);
    if (!lock) return std::unexpected(OpenFailure{lock.error().kind == Kind::timeout, lock.error()});
    auto opened = open_inbox(*location, settings, suspect, keeper);
    if (!opened) return std::unexpected(OpenFailure{false, opened.error()});
    opened->lock = std::make_shared<store::SessionLock>(std::move(*lock));
    return std::move(*opened);
  };
}

}  // namespace facteur::pop3d
