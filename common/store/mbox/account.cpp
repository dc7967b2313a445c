// The account of an mbox, and a session's handle on it.
#include "common/store/mbox/account.h"

#include <cerrno>
#include <fcntl.h>

#include "common/base/strings.h"
#include "common/store/account_lock.h"
#include "common/store/mailbox_name.h"
#include "common/store/mbox/from.h"
#include "common/store/subscriptions.h"

namespace facteur::store {
namespace {

std::unexpected<Error> refuse_folders() {
  return fail(Kind::permanent, "an mbox account has no mailbox but INBOX");
}

/// Nothing if the name is the inbox's.
Result<> want_inbox(std::string_view name) {
  const auto canonical = canonical_name(name);
  if (!canonical) return fail(canonical);
  if (*canonical != "INBOX") return fail(Kind::permanent, "mailbox " + printable(name, 64) + " does not exist");
  return {};
}

}  // namespace

Result<std::unique_ptr<Account>> MboxAccount::open_file(const std::string& path, const std::string& state,
                                                        MboxOptions options) {
  auto& files = *options.files;
  auto core = MboxCore::of(path, state, std::move(options));
  if (!core) return fail(core);
  auto folder = files.open(AT_FDCWD, state, O_RDONLY | O_DIRECTORY);
  if (!folder) return fail(folder);
  return std::make_unique<MboxAccount>(path, *std::move(core), *std::move(folder), files);
}

Result<std::vector<Listed>> MboxAccount::list() {
  const auto status = core_->status();
  return std::vector<Listed>{
      {.name = "INBOX", .selectable = true, .has_children = false, .recent = status && status->recent > 0}};
}

Result<std::unique_ptr<Mailbox>> MboxAccount::open(std::string_view name, bool read_only) {
  if (auto inbox = want_inbox(name); !inbox) return fail(inbox);
  return std::make_unique<MboxMailbox>(core_, path_, read_only);
}

Result<Status> MboxAccount::status(std::string_view name) {
  if (auto inbox = want_inbox(name); !inbox) return fail(inbox);
  return core_->status();
}

Result<> MboxAccount::create(std::string_view /*name*/) {
  return refuse_folders();
}

Result<> MboxAccount::remove(std::string_view /*name*/) {
  return refuse_folders();
}

Result<> MboxAccount::rename(std::string_view /*from*/, std::string_view /*to*/) {
  return refuse_folders();
}

Result<std::vector<std::string>> MboxAccount::subscriptions() {
  const auto names = read_subscriptions(state_.get(), *files_);
  if (!names) return fail(names);
  return std::vector<std::string>(names->begin(), names->end());
}

Result<> MboxAccount::subscribe(std::string_view name, bool on) {
  return change_subscription(state_.get(), name, on, *files_);
}

Result<Appended> MboxMailbox::copy(std::span<const Uid> uids, Mailbox& to) {
  if (to.read_only()) return refuse_read_only();
  if (auto same = same_uids(); !same) return fail(same);
  auto* mbox = dynamic_cast<MboxMailbox*>(&to);
  return mbox != nullptr && &mbox->core() == &core() ? core().copy(uids) : copy_octets(*this, uids, to);
}

int MboxMailbox::watch_descriptor() {
  if (!watch_) {
    watch_.emplace(std::vector<std::string>());
    watch_file();
  }
  return watch_->descriptor();
}

void MboxMailbox::drain_watch() {
  // Watched before the caller looks at the file, so that what comes after its look is an event.
  (void)watch_descriptor();
  watch_->drain();
  watch_file();  // a new file may have taken the place of the one that was watched
}

/// Watches the file; its folder while there is none.
void MboxMailbox::watch_file() {
  if (!watch_->add(path())) (void)watch_->add(path().substr(0, path().rfind('/') + 1));
}

Result<std::string> MboxDelivery::deliver(const Delivery& delivery) {
  const auto mbox = LockedMbox::open(path_, true, lock_, *files_);
  if (!mbox) return fail(mbox);
  const MboxAddition addition{.from_line = from_line(delivery.reverse_path, delivery.arrival),
                              .headers = delivery.headers,
                              .message = delivery.message,
                              .status = {}};
  // The file may be new: its name has to last too. First, so that what was appended is never answered with an error.
  if (mbox->size() == 0) {
    if (auto synced = sync_name(); !synced) return fail(synced);
  }
  if (auto appended = append_to_mbox(*mbox, {&addition, 1}, *files_); !appended) return fail(appended);
  return path_;
}

Result<> MboxDelivery::sync_name() {
  const auto folder = files_->open(AT_FDCWD, path_.substr(0, path_.rfind('/') + 1), O_RDONLY | O_DIRECTORY);
  // Where we may make no files somebody else made this one, and its name lasts (process::make_mail).
  if (!folder) return folder.error().errno_value == EACCES ? Result<>() : fail(folder);
  return files_->sync(folder->get());
}

}  // namespace facteur::store
