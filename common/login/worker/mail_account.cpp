#include "common/login/worker/mail_account.h"

#include <utility>

#include "common/process/mail_tree.h"

namespace facteur::login {

Result<store::Location> locate(const auth::Account& account, const config::Settings& settings) {
  // The worker's own first account was made before the jail; others of its uid are made here, as that uid.
  if (auto made = process::make_mail(account, settings, false); !made) return fail(made);
  auto place = process::mail_place(account);
  if (!place) return fail(place);
  using Format = store::Location::Format;
  const auto format = place->kind == process::MailPlace::Kind::mbox ? Format::mbox : Format::maildir;
  return store::location_of(format, std::move(place->path), account.home, process::index_place(account, settings).path);
}

Result<std::unique_ptr<store::Account>> open_account(const store::Location& location, const config::Settings& settings,
                                                     bool suspect, std::shared_ptr<store::DotlockKeeper> keeper) {
  store::OpenOptions options;
  options.index = !suspect;
  if (suspect) store::discard_index(location);
  options.host = settings.hostname;
  options.mbox_lock = store::mbox_lock_options(settings.mbox_write_locks, settings.mbox_lock_timeout,
                                               settings.mbox_dotlock_change_timeout);
  options.mbox_lock.keeper = std::move(keeper);
  return store::open_account(location, options);
}

Result<std::unique_ptr<store::Account>> open_account(const auth::Account& account, const config::Settings& settings,
                                                     bool suspect, std::shared_ptr<store::DotlockKeeper> keeper) {
  const auto location = locate(account, settings);
  if (!location) return fail(location);
  return open_account(*location, settings, suspect, std::move(keeper));
}

}  // namespace facteur::login
