#include "common/process/mail_place.h"

#include "catch.h"

using namespace facteur;
using namespace facteur::process;

namespace {

auth::Account account_of(const std::string& name, const std::string& system_user, const std::string& home) {
  auth::Account account;
  account.name = name;
  account.system_user = system_user;
  account.home = home;
  return account;
}

}  // namespace

TEST_CASE("placeholders stand for the parts of an account") {
  const auto jim = account_of("jim@x.org", "", "/v/x.org/jim");
  CHECK(expand_path("/v/%d/%n/%u/100%%", jim) == "/v/x.org/jim/jim@x.org/100%");
  CHECK(expand_path("~/Maildir/", jim) == "/v/x.org/jim/Maildir");
  CHECK(expand_path("~", jim) == "/v/x.org/jim");
  CHECK(expand_path("%h/m", jim) == "/v/x.org/jim/m");
  CHECK(expand_path("/a~/%", jim) == "/a~");
  const auto user = account_of("jim@x.org", "jim", "/home/jim");
  CHECK(expand_path("/var/mail/%u", user) == "/var/mail/jim");
  CHECK(expand_mail("mbox:~/mail/%d", user) == "mbox:/home/jim/mail/x.org");
  // What a home says is no placeholder.
  CHECK(expand_mail("maildir:%h/M", account_of("j@x", "j", "/home/100%u")) == "maildir:/home/100%u/M");
}

TEST_CASE("a place is maildir: or mbox: and one absolute path") {
  const auto place = [](const std::string& mail) {
    auth::Account account = account_of("jim@x.org", "jim", "/home/jim");
    account.mail = mail;
    return mail_place(account);
  };
  CHECK(place("maildir:/home/jim/Maildir/")->path == "/home/jim/Maildir");
  CHECK(place("maildir:/home/jim/100%u")->path == "/home/jim/100%u");
  CHECK(place("mbox:/var/mail/jim")->kind == MailPlace::Kind::mbox);
  for (const char* bad : {"", "maildir", "Maildir:/x", "imap:/x", "maildir:", "maildir:Maildir", "maildir:/a/../b",
                          "maildir:/", "maildir:~/x", "mbox:~jim/x", "maildir:/a\n", "mbox:/x/./y", "/x"}) {
    INFO(bad);
    CHECK(place(bad).error().kind == Kind::permanent);
  }
  CHECK_FALSE(place("maildir:/" + std::string(2000, 'x')));
}

TEST_CASE("an index lies beside the mail, in the home, or below a folder for all") {
  const auto jim = account_of("jim@x.org", "", "/v/x.org/jim");
  config::Settings settings;
  CHECK(index_place(jim, settings).path.empty());
  CHECK(index_root(settings).empty());
  settings.index_location = "~/.cache/facteur";
  CHECK(index_place(jim, settings).path == "/v/x.org/jim/.cache/facteur");
  CHECK(index_place(jim, settings).root.empty());
  settings.index_location = "/var/index/%d/%n/";
  CHECK(index_place(jim, settings).path == "/var/index/x.org/jim");
  CHECK(index_place(jim, settings).root == "/var/index");
  settings.index_location = "/var/index/of-%u";
  CHECK(index_root(settings) == "/var/index");
}
