#include "common/store/location.h"

#include "disk.h"
#include "mailbox_suite.h"

using namespace facteur;
using namespace facteur::store;

namespace {

Location maildir_in(const Folder& folder) {
  return location_of(Location::Format::maildir, folder.path + "/Maildir", folder.path);
}

}  // namespace

TEST_CASE("what is kept beside a Maildir lies in it, of an mbox in the home") {
  const auto maildir = location_of(Location::Format::maildir, "/home/jim/Maildir", "/home/jim");
  CHECK(maildir.path == "/home/jim/Maildir");
  CHECK(maildir.state == "/home/jim/Maildir/.facteur");
  CHECK(maildir.index == "/home/jim/Maildir/.facteur/index");
  const auto mbox = location_of(Location::Format::mbox, "/var/mail/jim", "/home/jim");
  CHECK(mbox.state == "/home/jim/.facteur/mbox/var/mail/jim");
  CHECK(mbox.index == "/home/jim/.facteur/mbox/var/mail/jim/index");
  CHECK(location_of(Location::Format::mbox, "/m/jim", "").state == "/m/.facteur/mbox/m/jim");
  // Only the index goes elsewhere.
  const auto moved = location_of(Location::Format::mbox, "/var/mail/jim", "/home/jim", "/idx/jim");
  CHECK(moved.state == mbox.state);
  CHECK(moved.index == "/idx/jim");
}

TEST_CASE("POP-08: a second session on a maildrop is refused, and let in when the first has gone") {
  const Folder folder;
  const auto location = maildir_in(folder);
  {
    const auto first = lock_session(location);
    REQUIRE(first);
    CHECK(lock_session(location).error().kind == Kind::timeout);
  }
  CHECK(lock_session(location));
}

TEST_CASE("a location is opened for delivery and for reading") {
  const Folder folder;
  const auto location = maildir_in(folder);
  const auto delivery = open_delivery(location);
  REQUIRE(delivery);
  StringContent content(std::make_shared<const std::string>(suite_mail));
  REQUIRE((*delivery)->deliver({.headers = "X: y\r\n",
                                .message = &content,
                                .reverse_path = "",
                                .queue_id = "q",
                                .recipient = 1,
                                .arrival = 1,
                                .first_attempt = true}));
  const auto account = open_account(location);
  REQUIRE(account);
  const auto inbox = open_in(**account, "INBOX");
  CHECK(content_of(*inbox, now(*inbox)->records[0].uid) == "X: y\r\n" + suite_mail);
}
