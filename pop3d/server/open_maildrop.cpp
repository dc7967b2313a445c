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

Result<OpenMaildrop> open_inbox(const auth::Account& account, const config::Settings& settings) {
  auto inbox = std::make_shared<Inbox>();
  auto opened = login::open_account(account, settings);
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

Opener open_maildrop(SessionLocks& locks, const auth::Account& account, const config::Settings& settings) {
  return [&locks, account, settings]() -> std::expected<OpenMaildrop, OpenFailure> {
    auto lock = locks.take(account.name);
    if (!lock) return std::unexpected(OpenFailure{true, {Kind::temporary, "another session has the maildrop"}});
    auto opened = open_inbox(account, settings);
    if (!opened) return std::unexpected(OpenFailure{false, opened.error()});
    opened->lock = std::move(lock);
    return std::move(*opened);
  };
}

}  // namespace facteur::pop3d
