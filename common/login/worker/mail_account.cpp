#include "common/login/worker/mail_account.h"

#include "common/process/mail_tree.h"
#include "common/store/maildir_account.h"

namespace facteur::login {

Result<std::unique_ptr<store::Account>> open_account(const auth::Account& account, const config::Settings& settings) {
  const auto place = process::mail_place(account);
  if (!place) return fail(place);
  // The worker's own first account was made before the jail; others of its uid are made here, as that uid.
  if (auto made = process::make_mail(account, settings, false); !made) return fail(made);
  if (place->kind != process::MailPlace::Kind::maildir) {
    return fail(Kind::permanent, account.name + ": this kind of mailbox cannot be opened");
  }
  store::MaildirAccount::Options options;
  options.host = settings.hostname;
  return store::MaildirAccount::open_root(place->path, std::move(options));
}

}  // namespace facteur::login
