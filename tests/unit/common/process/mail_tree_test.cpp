#include "common/process/mail_tree.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "catch.h"
#include "common/fs/files.h"
#include "common/process/jail.h"
#include "folder.h"

using namespace facteur;
using namespace facteur::process;

namespace {

using test::Folder;

auth::Account account_at(const std::string& home, const std::string& mail, std::uint32_t uid,
                         const std::string& user = "") {
  auth::Account account;
  account.name = "jim@x.org";
  account.system_user = user;
  account.uid = uid;
  account.gid = uid;
  account.home = home;
  account.mail = expand_mail(mail, account);
  return account;
}

struct stat status_of(const std::string& path) {
  struct stat status{};
  CHECK(::lstat(path.c_str(), &status) == 0);
  return status;
}

mode_t mode_of(const std::string& path) {
  return status_of(path).st_mode & 07777;
}

}  // namespace

TEST_CASE("a worker can make a lock file beside an mbox in a folder of the user's, but for the home") {
  const Folder folder;
  const auto home = folder.path + "/jim";
  std::filesystem::create_directories(home + "/mail");
  const auto beside = [&](const std::string& mail, const std::string& user = "jim", std::uint32_t uid = ::getuid()) {
    const auto account = account_at(home, mail, uid, user);
    const auto place = mail_place(account);
    REQUIRE(place);
    const auto may = may_lock_beside(account, *place);
    // The jail is made of the same: the folder, or the file alone.
    const auto paths = mail_paths(account, {});
    const auto open = [&](const std::string& path) {
      return std::ranges::any_of(paths, [&](const Path& in) { return in.path == path && in.writable; });
    };
    if (!user.empty()) CHECK(open(may ? place->path.substr(0, place->path.rfind('/')) : place->path));
    return may;
  };
  CHECK(beside("mbox:~/mail/inbox"));
  CHECK_FALSE(beside("mbox:~/inbox"));
  CHECK_FALSE(beside("mbox:/nonexistent/jim"));
  CHECK_FALSE(beside("mbox:~/mail/inbox", "jim", ::getuid() + 1));
  CHECK(beside("mbox:/nonexistent/jim", ""));  // a virtual account has the root of virtual mail
}

TEST_CASE("a virtual account's folders are made below the root of virtual mail, and nowhere else") {
  const Folder folder;
  config::Settings settings;
  settings.virtual_mail_root = folder.path;
  const auto home = folder.path + "/x.org/jim";
  REQUIRE(make_mail(account_at(home, "maildir:~/Maildir", ::getuid()), settings, false));
  CHECK(mode_of(folder.path + "/x.org") == 0711);
  CHECK(mode_of(home) == 0700);
  CHECK(mode_of(home + "/Maildir") == 0700);
  REQUIRE(make_mail(account_at(home, "maildir:~/Maildir", ::getuid()), settings, false));
  REQUIRE(make_mail(account_at(home, "mbox:~/inbox", ::getuid()), settings, false));
  CHECK(mode_of(home + "/inbox") == 0600);

  CHECK_FALSE(make_mail(account_at(folder.path + "/../x", "maildir:~/M", ::getuid()), settings, false));
  CHECK_FALSE(make_mail(account_at(folder.path + "/a/../../x", "maildir:~/M", ::getuid()), settings, false));
  CHECK_FALSE(make_mail(account_at("/tmp", "maildir:~/M", ::getuid()), settings, false));
}

TEST_CASE("sessions that make a new account's folders at once all find them") {
  const Folder folder;
  config::Settings settings;
  settings.virtual_mail_root = folder.path;
  for (int round = 0; round < 50; ++round) {
    const auto account =
        account_at(folder.path + "/x.org/jim" + std::to_string(round), "maildir:~/Maildir", ::getuid());
    std::atomic<int> failed = 0;
    std::vector<std::thread> sessions;
    for (int i = 0; i < 4; ++i) {
      sessions.emplace_back([&] {
        if (!make_mail(account, settings, false)) ++failed;
      });
    }
    for (auto& session : sessions) session.join();
    REQUIRE(failed == 0);
  }
}

TEST_CASE("a link planted below the root of virtual mail is not followed") {
  const Folder folder;
  const Folder elsewhere;
  config::Settings settings;
  settings.virtual_mail_root = folder.path;
  std::filesystem::create_symlink(elsewhere.path, folder.path + "/x.org");
  CHECK_FALSE(make_mail(account_at(folder.path + "/x.org/jim", "maildir:~/Maildir", ::getuid()), settings, false));
  CHECK(std::filesystem::is_empty(elsewhere.path));
}

TEST_CASE("the folder of an index is made where index_location says, and the jail leaves it open") {
  const Folder folder;
  const auto home = folder.path + "/mail/x.org/jim";
  std::filesystem::create_directories(folder.path + "/mail");
  std::filesystem::create_directories(folder.path + "/index");
  config::Settings settings;
  settings.virtual_mail_root = folder.path + "/mail";
  const auto open = [&](const auth::Account& account, const std::string& path) {
    const auto paths = mail_paths(account, settings);
    return std::ranges::any_of(paths, [&](const Path& in) { return in.path == path && in.writable; });
  };
  const auto jim = account_at(home, "maildir:~/Maildir", ::getuid());
  const auto user = account_at(home, "maildir:~/Maildir", ::getuid(), "jim");

  settings.index_location = folder.path + "/index/%d/%n";
  REQUIRE(make_mail(jim, settings, false));
  CHECK(mode_of(folder.path + "/index/x.org") == 0711);
  CHECK(mode_of(folder.path + "/index/x.org/jim") == 0700);
  CHECK(open(jim, folder.path + "/index"));  // for the accounts that its worker gets later
  CHECK_FALSE(open(user, folder.path + "/index"));
  CHECK(open(user, folder.path + "/index/x.org/jim"));

  settings.index_location = "~/cache/index";
  REQUIRE(make_mail(jim, settings, false));
  CHECK(mode_of(home + "/cache/index") == 0700);
  CHECK(open(user, home + "/cache/index"));

  // Mail does not need it.
  settings.index_location = folder.path + "/nowhere/%u";
  CHECK(make_mail(jim, settings, false));
  std::filesystem::create_directories(folder.path + "/aside");
  std::filesystem::create_symlink(folder.path + "/aside", folder.path + "/index/jim@x.org");
  settings.index_location = folder.path + "/index/%u/inner";
  CHECK(make_mail(jim, settings, false));
  CHECK(std::filesystem::is_empty(folder.path + "/aside"));
}

TEST_CASE("root makes an index with its owner, below the folder of somebody else") {
  if (!is_real_root()) {
    WARN("not root: skipped");
    return;
  }
  constexpr std::uint32_t uid = 54321;
  const Folder folder;
  ::chmod(folder.path.c_str(), 0711);
  const auto home = folder.path + "/jim";
  std::filesystem::create_directories(home);
  std::filesystem::create_directories(folder.path + "/index");
  ::chown(home.c_str(), uid, uid);
  ::chown((folder.path + "/index").c_str(), 999, 999);
  config::Settings settings;
  settings.index_location = folder.path + "/index/%u";
  REQUIRE(make_mail(account_at(home, "maildir:~/Maildir", uid, "jim"), settings, true));
  CHECK(status_of(folder.path + "/index/jim").st_uid == uid);
  CHECK(mode_of(folder.path + "/index/jim") == 0700);
  settings.index_location = "~/index";
  REQUIRE(make_mail(account_at(home, "maildir:~/Maildir", uid, "jim"), settings, true));
  CHECK(status_of(home + "/index").st_uid == uid);
}

TEST_CASE("root makes mail for others with their owner and with their rights alone") {
  if (!is_real_root()) {
    WARN("not root: skipped");
    return;
  }
  constexpr std::uint32_t uid = 54321;
  const Folder folder;
  ::chmod(folder.path.c_str(), 0711);
  config::Settings settings;
  settings.virtual_mail_root = folder.path;
  ::chown(folder.path.c_str(), 999, 999);
  const auto home = folder.path + "/x.org/jim";
  REQUIRE(make_mail(account_at(home, "maildir:~/Maildir", uid), settings, true));
  CHECK(status_of(folder.path + "/x.org").st_uid == 999);
  CHECK(status_of(home).st_uid == uid);
  CHECK(status_of(home + "/Maildir").st_uid == uid);
  CHECK(status_of(home + "/Maildir").st_gid == uid);
  CHECK(::geteuid() == 0);

  // A user's link leads the user astray, and nobody else.
  const Folder secret;  // root's, 0700
  REQUIRE(::symlink(secret.path.c_str(), (home + "/Mail").c_str()) == 0);
  auto account = account_at(home, "maildir:~/Mail/box", uid, "jim");
  CHECK_FALSE(make_mail(account, settings, true));
  account.mail = "mbox:" + home + "/Mail/inbox";
  CHECK_FALSE(make_mail(account, settings, true));
  CHECK(std::filesystem::is_empty(secret.path));

  // The system's mail folder, as Debian has it.
  const Folder spool;
  ::chmod(spool.path.c_str(), 02775);
  account.mail = "mbox:" + spool.path + "/jim";
  REQUIRE(make_mail(account, settings, true));
  CHECK(status_of(spool.path + "/jim").st_uid == uid);
  CHECK(mode_of(spool.path + "/jim") == 0600);
  // What is kept of an mbox lies in the home, and the jail leaves it open.
  CHECK(status_of(home + "/.facteur").st_uid == uid);
  const auto paths = mail_paths(account, settings);
  CHECK(std::ranges::any_of(paths, [&](const Path& path) { return path.path == home + "/.facteur" && path.writable; }));
  REQUIRE(::symlink("/etc/facteur-never", (spool.path + "/eve").c_str()) == 0);
  account.mail = "mbox:" + spool.path + "/eve";
  (void)make_mail(account, settings, true);
  CHECK_FALSE(std::filesystem::exists("/etc/facteur-never"));
}
