// facteur user export-dovecot: hands the mailboxes of Maildir accounts over to Dovecot, each account as the owner of
// its mail. It is for the time when facteurd is down: one server at a time has a mailbox.
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/check.h"
#include "auth/sources.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "common/base/strings.h"
#include "common/process/jail.h"
#include "common/process/mail_place.h"
#include "common/store/location.h"
#include "common/store/maildir/account.h"

namespace facteur::cli {
namespace {

using Names = std::vector<std::string>;

int code_of(const Error& error) {
  return error.kind == Kind::permanent ? EX_DATAERR : EX_TEMPFAIL;
}

int export_mailbox(store::MaildirAccount& account, const std::string& where, const std::string& name) {
  const auto done = account.move_out(name);
  if (!done) return complain(code_of(done.error()), where + ": " + done.error().text);
  if (done->before) {
    std::printf("%s: has been handed over before\n", where.c_str());
    return EX_OK;
  }
  std::printf("%s: %zu messages, UIDVALIDITY %u, UIDNEXT %u\n", where.c_str(), done->messages, done->uid_validity,
              done->uid_next);
  if (!done->left_out.empty()) {
    (void)complain(EX_OK, fmt::format("{}: Dovecot keeps {} keywords in a mailbox, these are left out: {}", where,
                                      store::keyword_letters, join(done->left_out, ", ")));
  }
  return EX_OK;
}

/// The index is a cache; where it is in the Maildir Dovecot would take its folder for a mailbox.
int remove_index(const std::string& root) {
  auto& files = fs::system_files();
  const auto location = store::location_of(store::Location::Format::maildir, root, {});
  store::discard_index(location);
  for (const auto& folder : {location.index, location.state}) {
    const auto removed = files.remove_directory(AT_FDCWD, folder);
    if (!removed && removed.error().errno_value != ENOENT) {
      return complain(EX_CANTCREAT, "Dovecot will show a mailbox for it: " + removed.error().text);
    }
  }
  return EX_OK;
}

/// All mailboxes; one that fails stops none of the others.
int export_mailboxes(const auth::Account& account, const std::string& root, const std::string& host) {
  const auto opened =
      store::MaildirAccount::open_existing(root, {.host = host, .files = &fs::system_files(), .index = {}});
  if (!opened && opened.error().errno_value == ENOENT) {
    std::printf("%s: has no mail yet\n", account.name.c_str());
    return EX_OK;
  }
  const auto mailboxes = opened ? (*opened)->list() : Result<std::vector<store::Listed>>(fail(opened));
  if (!mailboxes) return complain(code_of(mailboxes.error()), account.name + ": " + mailboxes.error().text);
  int code = EX_OK;
  for (const auto& mailbox : *mailboxes) {
    if (!mailbox.selectable) continue;
    const auto where = account.name + ' ' + mailbox.name;
    if (const int failed = export_mailbox(**opened, where, mailbox.name); failed != EX_OK) code = failed;
  }
  const int left = remove_index(root);
  return code != EX_OK ? code : left;
}

/// In a process that is the owner of the mail and nobody else, before it touches anything of his.
int export_as_owner(const auth::Account& account, const std::string& root, const std::string& host) {
  const bool real_root = process::is_real_root();
  (void)std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return complain(EX_OSERR, fail_errno("fork", errno).error().text);
  if (child == 0) {
    const process::Identity owner{.real_root = real_root,
                                  .uid = account.uid,
                                  .gid = account.gid,
                                  .user = account.system_user,
                                  .empty_root = {},
                                  .spool = {}};
    const auto became = real_root ? process::become_user(owner) : Result<>();
    ::umask(077);
    const int code =
        became ? export_mailboxes(account, root, host) : complain(EX_OSERR, account.name + ": " + became.error().text);
    (void)std::fflush(nullptr);
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return complain(EX_OSERR, fail_errno("waitpid", errno).error().text);
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return complain(EX_SOFTWARE, fmt::format("{}: ended by signal {}", account.name, WTERMSIG(status)));
}

int export_account(const config::Settings& settings, const auth::Account& account) {
  const auto place = process::mail_place(account);
  if (!place) return complain(EX_DATAERR, place.error().text);
  if (place->kind == process::MailPlace::Kind::mbox) {
    return complain(EX_DATAERR, account.name +
                                    ": its mail is an mbox, in which Dovecot keeps its UIDs elsewhere: only " +
                                    "a Maildir can be handed over");
  }
  return export_as_owner(account, place->path, settings.hostname);
}

/// Everybody of the users file and, where those have mail, of /etc/passwd.
Names all_names(const config::Settings& settings, const auth::Accounts& accounts, auth::Passwd& passwd) {
  Names out;
  for (const auto& [name, user] : accounts.users().users) out.push_back(name);
  if (!settings.system_users) return out;
  for (const auto& user : passwd.local_users()) {
    if (accounts.find(user.name).existence != auth::Existence::unknown) out.push_back(user.name);
  }
  return out;
}

int export_accounts(const config::Settings& settings, Names names, bool all) {
  auth::Passwd passwd;
  const auto compiled = auth::compile_what_is_there(settings, auth::own_powers(process::is_real_root()), passwd);
  const auto& accounts = *compiled.accounts;
  if (all && accounts.users().unreadable) return complain(EX_NOINPUT, "the users file cannot be read");
  if (all) names = all_names(settings, accounts, passwd);
  int code = EX_OK;
  std::set<std::string> done;
  for (const auto& name : names) {
    const auto found = accounts.find(name);
    int outcome = EX_OK;
    if (found.existence == auth::Existence::unknown) {
      outcome = complain(EX_NOUSER, "there is no account " + printable(name) + " here, or it is not yours");
    } else if (found.existence == auth::Existence::temporary) {
      outcome = complain(EX_TEMPFAIL, printable(name) + ": " + found.text);
    } else if (done.insert(found.account.name).second) {
      outcome = export_account(settings, found.account);
    }
    if (outcome != EX_OK) code = outcome;
  }
  return code;
}

}  // namespace

int user_export_dovecot(const std::string& config_file, const std::vector<std::string>& names, bool all) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    if (may_be_running(settings)) {
      return complain(
          EX_UNAVAILABLE,
          "facteurd is running, as far as can be seen, and its sessions would take the mailboxes back: stop "
          "it first");
    }
    return export_accounts(settings, names, all);
  });
}

}  // namespace facteur::cli
