// facteur user add, passwd, delete and list: the users file, edited so that authd sees the change at once.
#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <grp.h>
#include <string>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "auth/passwd.h"
#include "auth/password.h"
#include "auth/users_edit.h"
#include "auth/users_file.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "common/process/jail.h"
#include "common/route/tables.h"

namespace facteur::cli {
namespace {

/// No echo on a terminal while it lives.
class Silence {
 public:
  Silence() {
    if (::tcgetattr(STDIN_FILENO, &before_) < 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  bool active_ = false;
};

/// A line of stdin, or so much of it that it shows as too long.
std::string read_line() {
  std::string line;
  for (int c = std::getchar(); c != EOF && c != '\n' && line.size() <= auth::max_password; c = std::getchar()) {
    line += static_cast<char>(c);
  }
  return line;
}

std::string prompt_for_line(const char* prompt) {
  std::fputs(prompt, stderr);
  std::string line = read_line();
  std::fputc('\n', stderr);
  return line;
}

Result<std::string> ask_twice() {
  if (::isatty(STDIN_FILENO) == 0)
    return fail(Kind::permanent, "there is no terminal: use --password-file FILE (- is stdin)");
  const Silence silence;
  std::string first = prompt_for_line("New password: ");
  if (prompt_for_line("The same again: ") != first) return fail(Kind::permanent, "the two passwords differ");
  return first;
}

/// The first line of a file, or of stdin for "-".
Result<std::string> read_password(const std::string& file) {
  if (file.empty()) return ask_twice();
  // /dev/stdin cannot be opened where sudo -u handed us a pipe of root's.
  auto octets = file == "-" ? Result<std::string>(read_line()) : fs::read_file(file, auth::max_password + 2);
  if (!octets) return fail(octets);
  std::string line = octets->substr(0, octets->find('\n'));
  if (line.ends_with('\r')) line.pop_back();  // the file was written on Windows
  return line;
}

/// The name with its domain.
std::string full_name(const config::Settings& settings, const std::string& name) {
  if (name.find('@') != std::string::npos || settings.domains.empty()) return name;
  return name + "@" + settings.domains.front();
}

/// Who is in no domain of ours would get no mail.
Result<> check_domain(const config::Settings& settings, const std::string& user) {
  const auto domain = route::split_address(user).domain;
  const auto& domains = settings.domains;
  const auto same = [&](const std::string& one) { return iequals(one, domain); };
  if (domains.empty() || std::ranges::any_of(domains, same)) return {};
  std::string all;
  for (const auto& one : domains) all += (all.empty() ? "" : ", ") + one;
  return fail(Kind::permanent, printable(user) + " would get no mail: domains are " + all);
}

int finish(const Result<>& done, const std::string& said) {
  if (!done) return complain(done.error().kind == Kind::permanent ? EX_DATAERR : EX_TEMPFAIL, done.error().text);
  std::printf("%s\n", said.c_str());
  return EX_OK;
}

/// Hashes are read by root and authd alone.
auth::FileOwner owner_of(const config::Settings& settings) {
  auth::Passwd passwd;
  auth::FileOwner owner;
  if (!process::is_real_root()) return owner;
  const auto user = auth::user_or_uid(passwd, settings.auth_user);
  owner.uid = 0;
  if (user && user->has_value()) owner.gid = (*user)->gid;
  return owner;
}

Result<std::string> new_hash(const std::string& password_file) {
  const auto password = read_password(password_file);
  if (!password) return fail(password);
  return auth::hash_password(*password);
}

}  // namespace

int user_add(const std::string& config_file, const std::string& name, const std::string& password_file) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    const std::string user = full_name(settings, name);
    if (const auto served = check_domain(settings, user); !served) return complain(EX_DATAERR, served.error().text);
    const auto hash = new_hash(password_file);
    if (!hash) return complain(EX_DATAERR, hash.error().text);
    return finish(auth::add_users(settings.users, {{user, *hash, {}}}, owner_of(settings)), "added " + user);
  });
}

int user_passwd(const std::string& config_file, const std::string& name, const std::string& password_file) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    const std::string user = full_name(settings, name);
    const auto hash = new_hash(password_file);
    if (!hash) return complain(EX_DATAERR, hash.error().text);
    return finish(auth::change_password(settings.users, user, *hash), "changed the password of " + user);
  });
}

int user_delete(const std::string& config_file, const std::string& name) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    const std::string user = full_name(settings, name);
    return finish(auth::delete_user(settings.users, user), "deleted " + user + "; its mail stays");
  });
}

int user_list(const std::string& config_file) {
  return with_settings(config_file, [&](const config::Settings& settings) {
    const auto text = fs::read_file(settings.users);
    if (!text) return complain(EX_NOINPUT, text.error().text);
    const auto domain = settings.domains.empty() ? std::string("localhost") : settings.domains.front();
    const auto users = auth::parse_users(*text, settings.users, domain);
    if (!users) return complain(EX_DATAERR, users.error().text);
    for (const auto& [name, user] : users->users) {
      std::printf("%s%s%s\n", name.c_str(), user.problem.empty() ? "" : "  # ", user.problem.c_str());
    }
    return EX_OK;
  });
}

}  // namespace facteur::cli
