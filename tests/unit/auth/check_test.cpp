#include "auth/check.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include "catch.h"
#include "common/fs/files.h"
#include "common/tls/context.h"
#include "folder.h"

using namespace facteur;
using namespace facteur::auth;

namespace {

class NoUsers : public Passwd {
 public:
  Result<std::optional<SystemUser>> user(const std::string& name) override {
    if (name == "nobody") return SystemUser{"nobody", 65534, 65534, "/"};
    return std::nullopt;
  }
  Result<std::optional<std::uint32_t>> group(const std::string&) override { return std::nullopt; }
  std::vector<SystemUser> local_users() override { return {}; }
};

struct Folder : test::Folder {
  void write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    REQUIRE(fs::replace_file(path + "/" + name, text, mode));
  }
};

constexpr std::string_view users =
    "facteur_user: 61001\nlogin_user: 61002\nauth_user: 61003\nqueue_user: 61004\n"
    "out_user: 61005\nmail_uid: 61006\nmail_gid: 61006\n";

std::vector<std::string> problems_of(const std::string& yaml, const Powers& powers = {true, 0, 0}) {
  NoUsers passwd;
  const auto loaded = config::load_text(yaml, "f.yaml");
  if (!loaded) FAIL(loaded.error().text);
  return check_settings(*loaded, powers, passwd);
}

}  // namespace

TEST_CASE("Settings whose files are there and right have no problem") {
  const Folder folder;
  const auto pair = tls::make_self_signed("mail.minfo.sn");
  REQUIRE(pair);
  folder.write("c.pem", pair->certificate);
  folder.write("k.pem", pair->key);
  folder.write("users.yaml", "jim@minfo.sn: '*'\n");
  folder.write("aliases", "info: jim\n");
  const std::string yaml = std::string(users) + "domains: [minfo.sn]\nusers: " + folder.path +
                           "/users.yaml\naliases: [" + folder.path + "/aliases]\ntls: {certificate: " + folder.path +
                           "/c.pem, key: " + folder.path + "/k.pem}\n";
  CHECK(problems_of(yaml) == std::vector<std::string>{});
  // The key of another certificate.
  folder.write("k.pem", tls::make_self_signed("other.example")->key);
  const auto mismatched = problems_of(yaml);
  REQUIRE(mismatched.size() == 1);
  CHECK(mismatched[0].starts_with("f.yaml:11:7: tls.certificate: "));
}

TEST_CASE("Every problem is told, with its place") {
  const Folder folder;
  folder.write("users.yaml",
               "jim@minfo.sn: '*'\nbob@far.example: '*'\neve@minfo.sn: {password: '*', mail: 'maildir:/x'}\n"
               "joe@minfo.sn: {password: '*', uid: 5}\nann@minfo.sn: clear\n",
               0644);
  folder.write("aliases", "prog: |/x\n");
  const auto problems =
      problems_of("domains: [minfo.sn]\nminimal_backoff_time: 2h\nmaximal_backoff_time: 1h\nusers: " + folder.path +
                  "/users.yaml\naliases: [" + folder.path + "/aliases]\ntls.certificate: /nonexistent.pem\n" +
                  "mail_uid: 61006\nmail_gid: 61006\nlisteners: [{address: '::', port: 25}]\n");
  const auto has = [&](std::string_view begin, std::string_view part) {
    for (const auto& problem : problems) {
      if (problem.starts_with(begin) && problem.find(part) != std::string::npos) return true;
    }
    return false;
  };
  CHECK(has("f.yaml:2:1: minimal_backoff_time: ", "maximal_backoff_time, 1h"));
  CHECK(has("f.yaml:6:1: tls.certificate: ", "/nonexistent.pem"));
  CHECK(has("default: facteur_user: ", "there is no user facteur"));
  CHECK(has("f.yaml:9:1: listeners: ", "two listeners on [::]:25"));
  const auto file = folder.path + "/users.yaml";
  CHECK(has(file + ":2:1: ", "far.example is not in domains"));
  CHECK(has(file + ":3:1: ", "not below virtual_mail_root"));
  CHECK(has(file + ":4:1: ", "cannot belong to uid 5"));
  CHECK(has(file + ":5:15: ", "not a hash"));
  CHECK(has("f.yaml:4:1: users: ", "read by everybody"));
  CHECK(has(folder.path + "/aliases:1: ", "programs are not supported"));
}

TEST_CASE("What a setting names and is not there is told at the place of the setting, once") {
  const Folder folder;
  folder.write("users.yaml",
               "jim@minfo.sn: '*'\nann@minfo.sn: '*'\nbob@minfo.sn: {password: '*', uid: 5000, gid: 5000}\n");
  const std::string some = "domains: [minfo.sn]\naliases: []\nports: {pop3: 0, imap: 0, submission: 0}\n";
  const std::string own =
      some + "facteur_user: 61001\nlogin_user: 61002\nauth_user: 61003\nqueue_user: 61004\nout_user: 61005\n";
  using Lines = std::vector<std::string>;
  CHECK(problems_of(own + "users: /nonexistent/users.yaml\nvirtual_alias_maps: file:/nonexistent/v\n") ==
        Lines{"f.yaml:9:1: users: open /nonexistent/users.yaml: No such file or directory",
              "f.yaml:10:1: virtual_alias_maps: open /nonexistent/v: No such file or directory"});
  const auto file = "users: " + folder.path + "/users.yaml\n";
  CHECK(
      problems_of(own + file + "mail_uid: nosuch\nmail_gid: nogroup-here\n") ==
      Lines{"f.yaml:10:1: mail_uid: there is no user nosuch", "f.yaml:11:1: mail_gid: there is no group nogroup-here"});
  // The defaults are missed by those who need them.
  CHECK(problems_of(own + file) ==
        Lines{"default: mail_uid: there is no user facteur-mail", "default: mail_gid: there is no group facteur-mail"});
  folder.write("users.yaml", "bob@minfo.sn: {password: '*', uid: 5000, gid: 5000}\n");
  CHECK(problems_of(own + file) == Lines{});
  CHECK(problems_of(own + file + "mail_uid: nosuch\n") == Lines{"f.yaml:10:1: mail_uid: there is no user nosuch"});
  CHECK(problems_of(own + file + "admin_group: nosuch\n") ==
        Lines{"f.yaml:10:1: admin_group: there is no group nosuch"});
  CHECK(
      problems_of(own + file + "default_privs: 61003\n") ==
      Lines{
          "f.yaml:10:1: default_privs: 61003 is uid 61003, and so is auth_user (61003): each wants a uid of its own"});
  // Without root all is one uid.
  for (const auto& problem : problems_of(own + "default_privs: 61003\n", Powers{false, 1000, 1000}))
    CHECK_FALSE(problem.contains("uid of its own"));
}

TEST_CASE("An index that two accounts would share is a problem") {
  const Folder folder;
  folder.write("users.yaml", "jim@minfo.sn: '*'\njim@x.org: '*'\n");
  folder.write("file", "");
  const std::string yaml = std::string(users) + "domains: [minfo.sn, x.org]\nusers: " + folder.path +
                           "/users.yaml\nlog: stderr\nports: {pop3: 0, imap: 0, submission: 0}\nindex_location: ";
  CHECK(problems_of(yaml + folder.path + "/%d/%n") == std::vector<std::string>{});
  const auto shared = problems_of(yaml + folder.path + "/%n");
  REQUIRE(shared.size() == 1);
  CHECK(shared[0].contains("index_location: jim@minfo.sn and jim@x.org would both have " + folder.path + "/jim"));
  const auto file = problems_of(yaml + folder.path + "/file/%u");
  REQUIRE(file.size() == 1);
  CHECK(file[0].contains("index_location: " + folder.path + "/file is not a folder"));
}

TEST_CASE("Aliases that lead back to themselves are named, with the entry that closes the loop") {
  const Folder folder;
  folder.write("users.yaml", "jim@minfo.sn: '*'\n");
  folder.write("aliases", "info: sales\nsales: jim, boss\nboss: info\n");
  const std::string yaml = std::string(users) + "domains: [minfo.sn]\nusers: " + folder.path +
                           "/users.yaml\naliases: [" + folder.path +
                           "/aliases]\nports: {pop3: 0, imap: 0, submission: "
                           "0}\nvirtual_alias_maps: {a@minfo.sn: b@minfo.sn, b@minfo.sn: a@minfo.sn}\n";
  CHECK(problems_of(yaml) ==
        std::vector<std::string>{
            "f.yaml:12:1: virtual_alias_maps: aliases loop: a@minfo.sn -> b@minfo.sn -> a@minfo.sn",
            folder.path + "/aliases:2: aliases loop: boss@minfo.sn -> info@minfo.sn -> sales@minfo.sn -> "
                          "boss@minfo.sn"});
}

TEST_CASE("Without root low ports and accounts of others are problems, and so is a login nobody can make") {
  const Folder folder;
  folder.write("users.yaml", "jim@minfo.sn: {password: '*', uid: 6000}\n");
  const auto problems = problems_of(
      "domains: [minfo.sn]\naliases: []\ninet_interfaces: [127.0.0.1]\nports: {smtp: 25, submission: "
      "0, smtps: 0, pop3: 0, pop3s: 0, imap: 1143, imaps: 0}\nusers: " +
          folder.path + "/users.yaml\n",
      Powers{false, 1000, 1000});
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].find("port 25 can only be opened by root") != std::string::npos);
  CHECK(problems[1].find("nobody can log in on 127.0.0.1:1143") != std::string::npos);
  CHECK(problems[2].find("cannot belong to uid 6000") != std::string::npos);
}

TEST_CASE("A submission listener that offers no STARTTLS and takes no password without it serves nobody") {
  const auto said = [](const std::string& more) {
    const Folder folder;
    const auto pair = tls::make_self_signed("mail.minfo.sn");
    REQUIRE(pair);
    folder.write("c.pem", pair->certificate + pair->key);
    folder.write("users.yaml", "jim@minfo.sn: '*'\n");
    const auto problems =
        problems_of(std::string(users) + "domains: [minfo.sn]\naliases: []\ninet_interfaces: [127.0.0.1]\n" +
                    "users: " + folder.path + "/users.yaml\ntls.certificate: " + folder.path + "/c.pem\n" + more);
    return std::ranges::count_if(problems,
                                 [](const auto& line) { return line.contains("nobody can log in on 127.0.0.1:587"); });
  };
  CHECK(said("smtpd_tls_security_level: none\n") == 1);
  CHECK(said("smtpd_tls_security_level: may\n") == 0);
  CHECK(said("smtpd_tls_security_level: none\ndisable_plaintext_auth: no\n") == 0);
  CHECK(said("smtpd_tls_security_level: none\nports.submission: 0\n"
             "listeners: [{address: 127.0.0.1, port: 587, role: submission, tls: starttls, smtpd_tls_security_level: "
             "may}]\n") == 0);
  CHECK(said("ports.submission: 0\nallow_plaintext_from: [127.0.0.0/8]\n"
             "listeners: [{address: 127.0.0.1, port: 587, role: submission, tls: none, allow_plaintext_from: []}]\n") ==
        1);
}

TEST_CASE("A log in a folder that is not there, or that is a folder, is a problem") {
  const Folder folder;
  folder.write("users.yaml", "jim@minfo.sn: '*'\n");
  const auto said = [&](const std::string& log) {
    const auto problems =
        problems_of(std::string(users) +
                    "domains: [minfo.sn]\naliases: []\nallow_plaintext_from: [127.0.0.0/8]\nusers: " + folder.path +
                    "/users.yaml\nlog: " + log + "\n");
    return problems.empty() ? std::string() : problems.front();
  };
  CHECK(said(folder.path + "/log").empty());
  CHECK(said("/nonexistent/dir/log") == "f.yaml:12:1: log: /nonexistent/dir: No such file or directory");
  CHECK(said(folder.path) == "f.yaml:12:1: log: " + folder.path + " is a folder");
}
