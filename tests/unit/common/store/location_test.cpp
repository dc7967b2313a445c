#include "common/store/location.h"

#include "disk.h"
#include "mailbox_suite.h"

using namespace facteur;
using namespace facteur::store;

TEST_CASE("locations are expanded for a user") {
  const auto maildir = expand_location("maildir:~/Maildir/", "jim@example.test", "/home/jim");
  REQUIRE(maildir);
  CHECK(maildir->format == Location::Format::maildir);
  CHECK(maildir->path == "/home/jim/Maildir");
  CHECK(maildir->state == "/home/jim/Maildir/.facteur");
  CHECK(expand_location("maildir:/v/%d/%n/%u/100%%", "jim@example.test", "")->path ==
        "/v/example.test/jim/jim@example.test/100%");
  CHECK(expand_location("maildir:%h/m", "jim", "/home/jim")->path == "/home/jim/m");
  const auto mbox = expand_location("mbox:/var/mail/%u", "jim", "/home/jim");
  REQUIRE(mbox);
  CHECK(mbox->format == Location::Format::mbox);
  CHECK(mbox->path == "/var/mail/jim");
  CHECK(mbox->state == "/home/jim/.facteur/mbox/var/mail/jim");
  // Two mboxes of one name and one home are two mailboxes.
  CHECK(expand_location("mbox:/v/%d/%n", "jim@a.test", "/v")->state !=
        expand_location("mbox:/v/%d/%n", "jim@b.test", "/v")->state);
}

TEST_CASE("settings and users that cannot be are refused") {
  for (const char* setting :
       {"", "maildir", "Maildir:/x", "imap:/x", "maildir:", "maildir:relative", "maildir:/a/../b", "maildir:/",
        "maildir:/%", "maildir:/%x", "maildir:~jim/x", "maildir:/a\n", "mbox:%h/./x"}) {
    INFO(setting);
    CHECK(expand_location(setting, "jim", "/home/jim").error().kind == Kind::permanent);
  }
  for (const char* user : {"", "../jim", "..", ".", "a/b", "jim\n", "/etc", ".hidden"}) {
    INFO(user);
    CHECK(expand_location("mbox:/var/mail/%u", user, "/home/jim").error().kind == Kind::permanent);
  }
  for (const char* user : {"jim", "jim@", "jim@..", "jim@.x"}) {
    CHECK(expand_location("maildir:/v/%d/x", user, "/home/jim").error().kind == Kind::permanent);
  }
  for (const char* user : {"@x", "..@x"}) {
    CHECK(expand_location("maildir:/v/%n/x", user, "/home/jim").error().kind == Kind::permanent);
  }
  for (const char* home : {"", "relative", "/a/../b", "/a\n"}) {
    CHECK(expand_location("maildir:~/Maildir", "jim", home).error().kind == Kind::permanent);
    CHECK(expand_location("maildir:%h/Maildir", "jim", home).error().kind == Kind::permanent);
  }
}

TEST_CASE("POP-08: a second session on a maildrop is refused, and let in when the first has gone") {
  const Folder folder;
  const auto location = expand_location("maildir:~/Maildir", "jim", folder.path);
  REQUIRE(location);
  {
    const auto first = lock_session(*location);
    REQUIRE(first);
    CHECK(lock_session(*location).error().kind == Kind::timeout);
  }
  CHECK(lock_session(*location));
}

TEST_CASE("a location is opened for delivery and for reading") {
  const Folder folder;
  const auto location = expand_location("maildir:~/Maildir", "jim", folder.path);
  REQUIRE(location);
  const auto delivery = open_delivery(*location);
  REQUIRE(delivery);
  StringContent content(std::make_shared<const std::string>(suite_mail));
  REQUIRE((*delivery)->deliver({.headers = "X: y\r\n",
                                .message = &content,
                                .reverse_path = "",
                                .queue_id = "q",
                                .recipient = 1,
                                .arrival = 1,
                                .first_attempt = true}));
  const auto account = open_account(*location);
  REQUIRE(account);
  const auto inbox = open_in(**account, "INBOX");
  CHECK(content_of(*inbox, now(*inbox)->records[0].uid) == "X: y\r\n" + suite_mail);
}
