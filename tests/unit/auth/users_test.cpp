#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/password.h"
#include "auth/sources.h"
#include "auth/users_edit.h"
#include "catch.h"
#include "common/fs/files.h"
#include "common/route/expand.h"
#include "folder.h"

using namespace facteur;
using namespace facteur::auth;

namespace {

const std::string hash_a = "$6$saltstring$aaaa";
const std::string hash_b = "$6$saltstring$bbbb";

/// A system with two users, and a name service that may be out of order.
class TestPasswd : public Passwd {
 public:
  Result<std::optional<SystemUser>> user(const std::string& name) override {
    if (broken) return fail(Kind::temporary, "getpwnam: out of order");
    for (const auto& known : users) {
      if (known.name == name) return known;
    }
    return std::nullopt;
  }
  Result<std::optional<std::uint32_t>> group(const std::string&) override { return std::nullopt; }
  std::vector<SystemUser> local_users() override { return users; }
  std::string stamp() override { return stamp_; }
  std::vector<SystemUser> users = {{"root", 0, 0, "/root"},          {"daemon", 1, 1, "/"},
                                   {"jim", 1000, 1000, "/home/jim"}, {"jean-paul", 1001, 1001, "/home/jp"},
                                   {"homeless", 1002, 1002, ""},     {"queue", 900, 900, "/x"}};
  std::string stamp_ = "1";
  bool broken = false;
};

using test::Folder;

config::Settings settings() {
  config::Settings s;
  s.domains = {"minfo.sn", "example.test"};
  s.mail_uid = "5000";
  s.mail_gid = "5001";
  s.queue_user = "900";
  s.users.clear();
  s.aliases.clear();
  return s;
}

const Powers root{true, 0, 0};

}  // namespace

TEST_CASE("The users file as the design shows it") {
  const auto file = parse_users("jim@minfo.sn: {password: \"" + hash_a + "\", mail: \"maildir:/srv/%n\", uid: 6000}\n" +
                                    "Jules: '" + hash_b + "'\n",
                                "u.yaml", "minfo.sn");
  REQUIRE(file);
  CHECK(file->problems.empty());
  CHECK(file->first == "jim@minfo.sn");
  CHECK(file->users.at("jim@minfo.sn").uid == 6000U);
  CHECK(file->users.at("jules@minfo.sn").password == hash_b);
  CHECK(parse_users("", "u", "d")->users.empty());
}

TEST_CASE("Entries that cannot be used stay, with what is wrong; the password is never shown") {
  const auto file = parse_users(
      "a@x.y: secret-word\nb@x.y: {password: '$6$s$h', uid: 0}\nc@x.y: {mail: 'mbox:/x'}\n"
      "d@x.y: {password: '$6$s$h', shell: x}\n../x: '$6$s$h'\ne@x.y: [x]\nA@x.y: '*'\n",
      "u.yaml", "x.y");
  REQUIRE(file);
  CHECK(file->problems.size() == 7);
  CHECK(file->problems[0] == "u.yaml:1:8: password: not a hash of crypt(5); `facteur user passwd` makes one");
  CHECK(file->problems[1] == "u.yaml:2:34: uid: '0' is not a number from 1 to 4294967295");
  for (const auto& problem : file->problems) CHECK(problem.find("secret-word") == std::string::npos);
  CHECK_FALSE(file->users.at("a@x.y").problem.empty());
  CHECK_FALSE(parse_users("- a", "u", "d"));
  CHECK_FALSE(parse_users("a: '*'\na: '*'\n", "u", "d"));
}

TEST_CASE("An account whose mail could not be made is not one now, and not an unknown one") {
  TestPasswd passwd;
  const auto existence = [&](const std::string& place) {
    auto users = *parse_users("v@minfo.sn: {password: '" + hash_a + "', " + place + "}\n", "u", "minfo.sn");
    REQUIRE(users.problems.empty());
    return Accounts(settings(), root, std::move(users), passwd).find("v").existence;
  };
  CHECK(existence("mail: 'maildir:/elsewhere/v'") == Existence::temporary);
  CHECK(existence("mail: 'mbox:/var/mail/v'") == Existence::temporary);
  CHECK(existence("home: /home/v") == Existence::temporary);
  CHECK(existence("mail: 'maildir:/var/mail/facteur/v'") == Existence::exists);
  CHECK(existence("home: /var/mail/facteur/x/v") == Existence::exists);
}

TEST_CASE("Names find accounts: users of the file first, system users in all our domains") {
  TestPasswd passwd;
  auto users =
      *parse_users("alice@example.test: '" + hash_a + "'\njim@example.test: '*'\nbad@minfo.sn: x\n", "u", "minfo.sn");
  const Accounts accounts(settings(), root, users, passwd);

  for (const char* name : {"alice", "Alice@Example.TEST"}) {
    const auto alice = accounts.find(name);
    CHECK(alice.existence == Existence::exists);
    CHECK(alice.account.name == "alice@example.test");
    CHECK(alice.account.system_user.empty());
    CHECK(alice.account.uid == 5000);
    CHECK(alice.account.gid == 5001);
    CHECK(alice.account.home == "/var/mail/facteur/example.test/alice");
    CHECK(alice.account.mail == "maildir:/var/mail/facteur/example.test/alice/Maildir");
    CHECK(alice.password == hash_a);
  }
  const auto jim = accounts.find("jim@minfo.sn");
  CHECK(jim.account.system_user == "jim");
  CHECK(jim.account.home == "/home/jim");
  CHECK(jim.account.uid == 1000);
  CHECK(accounts.find("jim@example.test").account.system_user.empty());
  CHECK(accounts.find("jean-paul@example.test").account.name == "jean-paul@minfo.sn");
  CHECK(accounts.find("bad@minfo.sn").existence == Existence::temporary);
  for (const char* name : {"nobody-here", "alice@minfo.sn", "jim@far.example", "root", "root@minfo.sn", "daemon",
                           "queue", "homeless", "../jim", "", "jim@minfo.sn@minfo.sn"}) {
    CAPTURE(name);
    CHECK(accounts.find(name).existence == Existence::unknown);
  }
  passwd.broken = true;
  CHECK(accounts.find("nobody-here").existence == Existence::temporary);
  CHECK(accounts.find("alice").existence == Existence::exists);
}

TEST_CASE("A change of the password changes the record") {
  TestPasswd passwd;
  const Accounts before(settings(), root, *parse_users("a@minfo.sn: '" + hash_a + "'", "u", "x"), passwd);
  const Accounts after(settings(), root, *parse_users("a@minfo.sn: '" + hash_b + "'", "u", "x"), passwd);
  CHECK(before.find("a").record != after.find("a").record);
  const auto jim = before.find("jim").record;
  passwd.stamp_ = "2";
  CHECK(before.find("jim").record != jim);
}

TEST_CASE("Without root only accounts of the one uid are served") {
  TestPasswd passwd;
  const Accounts accounts(settings(), Powers{false, 1000, 1000},
                          *parse_users("a@minfo.sn: '*'\nb@minfo.sn: {password: '*', uid: 6000}", "u", "x"), passwd);
  CHECK(accounts.find("a").account.uid == 1000);
  CHECK(accounts.find("b").existence == Existence::temporary);
  CHECK(accounts.find("jim").existence == Existence::exists);
  CHECK(accounts.find("jean-paul").existence == Existence::unknown);
}

TEST_CASE("Tables are compiled from files; a file that cannot be read as a whole is an error") {
  TestPasswd passwd;
  const Folder folder;
  auto s = settings();
  s.users = folder.path + "/users.yaml";
  s.aliases = {folder.path + "/aliases", folder.path + "/none"};
  s.virtual_alias_maps.file = folder.path + "/virtual.yaml";
  REQUIRE(fs::replace_file(s.users, "zoe+x@minfo.sn: '*'\nbad@minfo.sn: x\n", 0600));
  REQUIRE(fs::replace_file(s.aliases[0], "info: jim\nprog: |/x\n", 0600));
  REQUIRE(fs::replace_file(s.virtual_alias_maps.file, "Sales@minfo.sn: [jim, far@x.y]\nodd@minfo.sn: {}\n", 0600));
  const auto compiled = compile(s, root, passwd);
  REQUIRE(compiled);
  CHECK(compiled->problems.size() == 3);
  CHECK(compiled->tables.postmaster == "zoe+x@minfo.sn");
  CHECK(compiled->tables.exact_accounts == std::vector<std::string>{"zoe+x@minfo.sn"});
  CHECK(route::expand("sales@minfo.sn", compiled->tables).recipients.size() == 2);
  CHECK(route::expand("zoe+x@minfo.sn", compiled->tables).recipients[0].account == "zoe+x@minfo.sn");
  CHECK(route::expand("odd@minfo.sn", compiled->tables).outcome == route::Outcome::refused);

  REQUIRE(fs::replace_file(s.users, "a: [\n", 0600));
  const auto broken = compile(s, root, passwd);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().text.starts_with(s.users + ":"));
  CHECK(compile_what_is_there(s, root, passwd).problems.size() == 3);
  REQUIRE(fs::replace_file(s.users, "", 0600));
  CHECK(compile(s, root, passwd)->tables.postmaster == "jim");
}

TEST_CASE("Targets of virtual aliases that are no addresses are refused as those of alias files are") {
  TestPasswd passwd;
  const Folder folder;
  auto s = settings();
  s.users.clear();
  s.aliases.clear();
  s.virtual_alias_maps.entries = {{"prog@minfo.sn", {"|/bin/x"}}, {"whole@minfo.sn", {"@far.example"}}};
  s.virtual_alias_maps.file = folder.path + "/virtual.yaml";
  REQUIRE(fs::replace_file(s.virtual_alias_maps.file, "file@minfo.sn: /tmp/x\nbad@minfo.sn: [jim, 'not an address']\n",
                           0600));
  const auto compiled = compile(s, root, passwd);
  REQUIRE(compiled);
  CHECK(compiled->problems ==
        std::vector<std::string>{
            "virtual_alias_maps: prog@minfo.sn: programs are not supported as targets: '|/bin/x'",
            s.virtual_alias_maps.file + ":1:16: file@minfo.sn: files are not supported as targets: '/tmp/x'",
            s.virtual_alias_maps.file + ":2:15: bad@minfo.sn: not an address (is a comma missing?): 'not an address'"});
  for (const auto* name : {"prog", "file", "bad"}) {
    CHECK(route::expand(name + std::string("@minfo.sn"), compiled->tables).outcome == route::Outcome::refused);
  }
  CHECK(route::expand("whole@minfo.sn", compiled->tables).recipients.at(0).address == "whole@far.example");
}

TEST_CASE("Mail for postmaster that would reach nobody waits, and why is told") {
  TestPasswd passwd;
  const Folder folder;
  auto s = settings();
  s.aliases = {folder.path + "/aliases"};
  s.users = folder.path + "/users.yaml";
  REQUIRE(fs::replace_file(s.users, "jim@minfo.sn: '*'\n", 0600));
  const auto outcome = [&](const std::string& postmaster, const std::string& aliases, std::string told) {
    s.postmaster_address = postmaster;
    REQUIRE(fs::replace_file(s.aliases[0], aliases, 0600));
    const auto compiled = compile(s, root, passwd);
    REQUIRE(compiled);
    CHECK(compiled->problems == (told.empty() ? std::vector<std::string>{} : std::vector{std::move(told)}));
    return route::expand("postmaster@minfo.sn", compiled->tables).outcome;
  };
  using route::Outcome;
  CHECK(outcome("", "", "") == Outcome::found);
  CHECK(outcome("info", "info: jim\n", "") == Outcome::found);
  CHECK(outcome("boss@far.example", "", "") == Outcome::found);
  CHECK(outcome("nobody-here@minfo.sn", "", "postmaster_address: there is no account nobody-here@minfo.sn") ==
        Outcome::refused);
  CHECK(outcome("nobody-here", "postmaster: jim\n", "postmaster_address: there is no account nobody-here@minfo.sn") ==
        Outcome::found);
  CHECK(outcome("not an address", "", "postmaster_address: not an address (is a comma missing?): 'not an address'") ==
        Outcome::refused);
  CHECK(outcome("", "postmaster: gone\n",
                s.aliases[0] + ":1: postmaster: nobody reads this mail: there is no account gone@minfo.sn") ==
        Outcome::refused);
  CHECK(outcome("", "postmaster: gone, jim\n", "") == Outcome::found);
  s.users.clear();
  s.system_users = false;
  CHECK(outcome("", "",
                "postmaster_address: nobody reads mail for postmaster: there is no account postmaster@minfo.sn") ==
        Outcome::refused);
}

TEST_CASE("A file that goes away or is being written changes nothing, and makes nobody unknown") {
  TestPasswd passwd;
  const Folder folder;
  auto s = settings();
  s.users = folder.path + "/users.yaml";
  s.aliases = {folder.path + "/aliases", folder.path + "/none"};
  REQUIRE(fs::replace_file(s.users, "zoe@minfo.sn: {password: \"" + hash_a + "\"}\n", 0600));
  REQUIRE(fs::replace_file(s.aliases[0], "info: zoe\n", 0600));
  const auto compiled = compile(s, root, passwd);
  REQUIRE(compiled);
  CHECK(compiled->files == std::vector{s.aliases[0], s.users});
  for (const auto& path : {s.users, s.aliases[0]}) {
    CAPTURE(path);
    const auto text = *fs::read_file(path);
    REQUIRE(fs::replace_file(path, "", 0600));
    const auto emptied = compile(s, root, passwd, compiled->files);
    REQUIRE_FALSE(emptied);
    CHECK(emptied.error().text == path + " is empty");
    REQUIRE(::unlink(path.c_str()) == 0);
    CHECK_FALSE(compile(s, root, passwd, compiled->files));
    REQUIRE(fs::replace_file(path, text, 0600));
  }
  REQUIRE(::unlink(s.users.c_str()) == 0);
  REQUIRE_FALSE(compile(s, root, passwd));
  const auto first = compile_what_is_there(s, root, passwd);
  CHECK_FALSE(first.problems.empty());
  CHECK(first.accounts->find("zoe@minfo.sn").existence == Existence::temporary);
  CHECK(first.accounts->find("jim").existence == Existence::temporary);
}

TEST_CASE("Users are added, changed and deleted without a change to other lines") {
  const std::string text = "# our people\n\njim@minfo.sn: {password: \"" + hash_a +
                           "\", uid: 6000}  # the boss\n# short\nJules@minfo.sn: " + hash_a +
                           "\nanna@minfo.sn:\n  # of sales\n  password: '" + hash_a + "'\n  uid: 6001\n\n# end\n";
  const auto added = with_users(text, {{"Bob@minfo.sn", hash_b, ""}, {"eve@minfo.sn", hash_b, "maildir:~/x"}});
  REQUIRE(added);
  CHECK(*added == text + "bob@minfo.sn: {password: \"" + hash_b + "\"}\neve@minfo.sn: {password: \"" + hash_b +
                      "\", mail: maildir:~/x}\n");
  for (const char* name : {"jim@minfo.sn", "jules@minfo.sn", "anna@minfo.sn"}) {
    CAPTURE(name);
    const auto changed = with_password(text, name, hash_b);
    REQUIRE(changed);
    CHECK(parse_users(*changed, "u", "x")->users.at(name).password == hash_b);
    CHECK(changed->find("# the boss") != std::string::npos);
    CHECK(std::count(changed->begin(), changed->end(), '\n') == std::count(text.begin(), text.end(), '\n'));
  }
  const auto gone = without_user(text, "anna@minfo.sn");
  REQUIRE(gone);
  CHECK(*gone == text.substr(0, text.find("anna")) + "\n# end\n");
  CHECK(without_user(text, "jim@minfo.sn")->starts_with("# our people\n\n# short\nJules"));
  CHECK_FALSE(with_users(text, {{"JIM@minfo.sn", hash_b, ""}}));
  CHECK_FALSE(with_users(text, {{"a/b@minfo.sn", hash_b, ""}}));
  CHECK_FALSE(with_password(text, "nobody@minfo.sn", hash_b));
  CHECK_FALSE(without_user(text, "nobody@minfo.sn"));
  CHECK_FALSE(with_users("{a: '*'}\n", {{"b", hash_b, ""}}));
  CHECK(with_users("", {{"b@x.y", hash_b, ""}}));
  CHECK(*without_user("b@x.y: '*'", "b@x.y") == "");
}

TEST_CASE("The users file is replaced with its owner and mode, and made 0640") {
  const Folder folder;
  const std::string path = folder.path + "/users.yaml";
  REQUIRE(add_users(path, {{"a@x.y", hash_a, ""}}));
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  REQUIRE(change_password(path, "a@x.y", hash_b));
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  REQUIRE(add_users(path, {{"b@x.y", hash_a, ""}}));
  REQUIRE(delete_user(path, "a@x.y"));
  CHECK(*fs::read_file(path) == "b@x.y: {password: \"" + hash_a + "\"}\n");
  CHECK(fs::system_files().list(AT_FDCWD, folder.path)->size() == 1);
  CHECK_FALSE(add_users(folder.path + "/none/users.yaml", {{"b@x.y", hash_a, ""}}));
}
