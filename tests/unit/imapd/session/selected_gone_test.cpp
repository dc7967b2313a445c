// A mailbox that one session deletes or renames while another has it selected, on a Maildir (RFC 2180 section 3).
#include <chrono>
#include <filesystem>
#include <poll.h>
#include <stdlib.h>
#include <string>

#include "../client.h"
#include "catch.h"
#include "common/store/maildir/account.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

struct House {
  std::string path = [] {
    char name[] = "/tmp/facteur-gone-XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  Session::Opener opener = [this] { return store::MaildirAccount::open_root(path, {}); };
  Client a{opener};
  Client b{opener};

  House() {
    for (auto* client : {&a, &b}) {
      client->session.start("in");
      client->settle();
    }
    a.say("1 CREATE box\r\n2 APPEND box {3+}\r\nabc\r\n3 APPEND box {3+}\r\ndef\r\n");
    REQUIRE(b.say("s SELECT box\r\n").ends_with("s OK [READ-WRITE] Selected\r\n"));
  }
  ~House() { std::filesystem::remove_all(path); }
};

/// Whether the watch of an idle session rings within a second.
bool rings(const Client& client) {
  pollfd waited{client.session.watch_descriptor(), POLLIN, 0};
  return ::poll(&waited, 1, 1000) == 1;
}

const std::string bye = "* BYE The selected mailbox is gone\r\n";

}  // namespace

TEST_CASE("A session whose mailbox another one deleted is told so and ended, whatever it asks") {
  for (const std::string command : {"NOOP", "FETCH 1 FLAGS", "FETCH 1 BODY[]", "UID FETCH 1:* (BODY.PEEK[] UID)",
                                    "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "COPY 1 INBOX", "UID MOVE 1 INBOX",
                                    "EXPUNGE", "CHECK", "CAPABILITY", "SELECT INBOX", "CLOSE", "UNSELECT", "LOGOUT"}) {
    CAPTURE(command);
    House house;
    REQUIRE(house.a.say("4 DELETE box\r\n") == "4 OK Deleted\r\n");
    auto said = house.b.say("1 " + command + "\r\n");
    CAPTURE(said);
    const bool leaves = command == "SELECT INBOX" || command == "CLOSE" || command == "UNSELECT";
    // Every command has its answer, and an end is announced.
    CHECK(said.find("1 ") != std::string::npos);
    CHECK(said.find("BAD") == std::string::npos);
    if (command == "CAPABILITY") said = house.b.say("2 NOOP\r\n");
    if (leaves) {
      CHECK_FALSE(house.b.session.closed());
      CHECK(said.find("1 OK") != std::string::npos);
      CHECK(house.b.say("2 NOOP\r\n") == "2 OK Nothing done\r\n");
    } else if (command != "LOGOUT") {
      CHECK(said.ends_with(bye));
      CHECK(house.b.session.closed());
    }
  }
}

TEST_CASE("A session that idles on a mailbox which is deleted hears it at once") {
  House house;
  REQUIRE(house.b.say("1 IDLE\r\n") == "+ Idling\r\n");
  REQUIRE(house.b.session.watching());
  REQUIRE(house.a.say("4 DELETE box\r\n") == "4 OK Deleted\r\n");
  CHECK(rings(house.b));
  house.b.session.mailbox_changed();
  CHECK(house.b.settle() == bye);
  CHECK(house.b.session.closed());
}

TEST_CASE("A new mailbox of the name is another one: who has the old one selected does not see it") {
  House house;
  REQUIRE(house.a.say("4 DELETE box\r\n5 CREATE box\r\n") == "4 OK Deleted\r\n5 OK Created\r\n");
  REQUIRE(house.a.say("6 SELECT box\r\n").find("* 0 EXISTS\r\n") != std::string::npos);
  CHECK(house.b.say("1 NOOP\r\n").ends_with(bye));
  CHECK(house.a.say("7 NOOP\r\n") == "7 OK Nothing done\r\n");
}

TEST_CASE("A session whose folders somebody puts others in place of is ended, and others keep their UIDs") {
  House house;
  const auto folder = house.path + "/.box/";
  REQUIRE(house.b.say("1 IDLE\r\n") == "+ Idling\r\n");
  REQUIRE(house.b.session.watching());
  const std::string which = GENERATE("new", "cur");
  std::filesystem::rename(folder + which, folder + "old");
  CHECK(rings(house.b));
  SECTION("seen when they are gone") {
    house.b.session.mailbox_changed();
    CHECK(house.b.settle() == bye);
  }
  SECTION("seen when the others are there") {
    std::filesystem::copy(folder + "old", folder + which, std::filesystem::copy_options::recursive);
    REQUIRE(house.a.say("4 EXAMINE box\r\n").find("* 2 EXISTS\r\n") != std::string::npos);
    const auto uids = house.a.say("5 UID SEARCH ALL\r\n");
    house.b.session.mailbox_changed();
    CHECK(house.b.settle() == bye);
    CHECK(house.a.say("5 UID SEARCH ALL\r\n") == uids);
  }
  CHECK(house.b.session.closed());
}

TEST_CASE("A session goes on in a mailbox that another one renames, and its watch with it") {
  House house;
  REQUIRE(house.a.say("4 RENAME box renamed\r\n5 CREATE box\r\n") == "4 OK Renamed\r\n5 OK Created\r\n");
  CHECK(house.b.say("1 STORE 1 +FLAGS (\\Seen)\r\n") == "* 1 FETCH (FLAGS (\\Seen \\Recent))\r\n1 OK Stored\r\n");
  // The watch is made now, behind the renaming: it is that of the mailbox, not of its old name.
  REQUIRE(house.b.say("2 IDLE\r\n") == "+ Idling\r\n");
  REQUIRE(house.b.session.watching());
  house.a.say("6 APPEND box {3+}\r\nnot\r\n");
  house.a.say("7 APPEND renamed {3+}\r\nghi\r\n");
  CHECK(rings(house.b));
  house.b.session.mailbox_changed();
  CHECK(house.b.settle() == "* 3 EXISTS\r\n* 3 RECENT\r\n");
  // And one that was made before a renaming goes with it.
  REQUIRE(house.a.say("8 RENAME renamed again\r\n") == "8 OK Renamed\r\n");
  (void)rings(house.b);
  house.b.session.mailbox_changed();
  CHECK(house.b.settle().empty());
  house.a.say("9 APPEND again {3+}\r\njkl\r\n");
  CHECK(rings(house.b));
  house.b.session.mailbox_changed();
  CHECK(house.b.settle() == "* 4 EXISTS\r\n* 4 RECENT\r\n");
  CHECK(house.b.say("DONE\r\n") == "2 OK Idle ended\r\n");
}
