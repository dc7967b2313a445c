// An mbox that another program has locked while a session has it selected.
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>

#include "../client.h"
#include "catch.h"
#include "common/base/fd.h"
#include "common/store/file_lock.h"
#include "common/store/location.h"

using namespace facteur;
using namespace facteur::imapd;

TEST_CASE("A session waits for the locks of an mbox no longer than it has to, and is not ended by them") {
  char name[] = "/tmp/facteur-locked-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  const std::string path = folder + "/mbox";
  std::ofstream(path) << "From x Mon Oct  5 11:00:00 2026\nSubject: one\n\nbody\n\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  store::OpenOptions options;
  options.index = false;
  options.mbox_lock.wait = Milliseconds{20};
  const auto location = store::location_of(store::Location::Format::mbox, path, folder);
  Client client([&] { return store::open_account(location, options); });
  client.session.start("in");
  client.settle();
  REQUIRE(client.say("1 SELECT INBOX\r\n").ends_with("1 OK [READ-WRITE] Selected\r\n"));

  const Fd other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  const std::string later = "The mailbox cannot be reached now; try again later\r\n";
  {
    // Before the session has read the mailbox, and after it.
    const auto lock = store::FileLock::take(other.get(), Milliseconds{0}, path);
    REQUIRE(lock);
    CHECK(client.say("2 STORE 1 +FLAGS (\\Flagged)\r\n") == "2 NO [UNAVAILABLE] " + later);
  }
  REQUIRE(client.say("3 FETCH 1 FLAGS\r\n").ends_with("3 OK Fetched\r\n"));
  {
    const auto lock = store::FileLock::take(other.get(), Milliseconds{0}, path);
    REQUIRE(lock);
    CHECK(client.say("4 STORE 1 +FLAGS (\\Flagged)\r\n") == "4 NO [UNAVAILABLE] " + later);
    CHECK(client.say("5 NOOP\r\n") == "5 OK Nothing done\r\n");
  }
  CHECK(client.say("6 STORE 1 +FLAGS (\\Flagged)\r\n").ends_with("6 OK Stored\r\n"));
  CHECK_FALSE(client.session.closed());
  std::filesystem::remove_all(folder);
}
