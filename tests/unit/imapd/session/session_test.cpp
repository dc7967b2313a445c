// What dialogues cannot say of the engine behind login: several sessions on one mailbox, bounded output, jobs that
// outlive their session, ends from outside.
#include "imapd/session/session.h"

#include <algorithm>
#include <array>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "../client.h"
#include "catch.h"
#include "common/log/log.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

struct House {
  store::MemoryAccount account;
  Client a{account};
  Client b{account};

  explicit House(int messages = 3) {
    auto inbox = *account.open("INBOX", false);
    for (int i = 1; i <= messages; ++i) {
      const std::string octets = "Subject: " + std::to_string(i) + "\r\n\r\nbody\r\n";
      store::NewMessage message;
      message.octets = octets;
      (void)*inbox->append({&message, 1});
    }
    for (auto* client : {&a, &b}) {
      client->session.start("in");
      client->settle();
      client->say("s SELECT INBOX\r\n");
    }
  }
};

}  // namespace

TEST_CASE("IMP-22: EXPUNGE waits while sequence numbers are in use, then is told") {
  House house;
  CHECK(house.a.say("1 STORE 1:2 +FLAGS.SILENT (\\Deleted)\r\n") == "1 OK Stored\r\n");
  CHECK(house.a.say("2 EXPUNGE\r\n") == "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n2 OK Expunged\r\n");
  // FETCH, STORE, SEARCH: no EXPUNGE. Message 3 is still message 3; 1 and 2 are gone, and said to be.
  CHECK(house.b.say("1 FETCH 3 UID\r\n") == "* 3 FETCH (UID 3)\r\n1 OK Fetched\r\n");
  CHECK(house.b.say("2 FETCH 1:3 BODY.PEEK[TEXT]\r\n") ==
        "* 3 FETCH (BODY[TEXT] {6}\r\nbody\r\n)\r\n2 NO [EXPUNGEISSUED] Some of the messages are gone\r\n");
  CHECK(house.b.say("3 STORE 1,3 FLAGS.SILENT (\\Seen)\r\n") ==
        "3 NO [EXPUNGEISSUED] Some of the messages are gone\r\n");
  CHECK(house.b.say("4 SEARCH SEEN\r\n") == "* SEARCH 3\r\n4 OK Searched\r\n");
  CHECK(house.b.say("5 COPY 1 INBOX\r\n") == "5 NO [EXPUNGEISSUED] Some of the messages are gone\r\n");
  CHECK(house.b.say("6 UID SEARCH ALL\r\n") == "* SEARCH 1 2 3\r\n* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n6 OK Searched\r\n");
  CHECK(house.b.say("7 FETCH 1:* UID\r\n") == "* 1 FETCH (UID 3)\r\n7 OK Fetched\r\n");
}

TEST_CASE("New messages are told behind those that are gone but not yet told") {
  House house;
  house.a.say("1 STORE 2 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n");
  house.a.say("3 APPEND INBOX {3+}\r\nnew\r\n");
  CHECK(house.b.say("1 FETCH 1 UID\r\n") == "* 1 FETCH (UID 1)\r\n* 4 EXISTS\r\n* 0 RECENT\r\n1 OK Fetched\r\n");
  CHECK(house.b.say("2 FETCH 4 UID\r\n") == "* 4 FETCH (UID 4)\r\n2 OK Fetched\r\n");
  CHECK(house.b.say("3 NOOP\r\n") == "* 2 EXPUNGE\r\n3 OK Nothing done\r\n");
  CHECK(house.b.say("4 FETCH 3 UID\r\n") == "* 3 FETCH (UID 4)\r\n4 OK Fetched\r\n");
}

TEST_CASE("Flags changed by one session are told to the other, and not twice to the one") {
  House house;
  CHECK(house.a.say("1 STORE 2 +FLAGS (\\Flagged)\r\n") == "* 2 FETCH (FLAGS (\\Flagged \\Recent))\r\n1 OK Stored\r\n");
  CHECK(house.a.say("2 NOOP\r\n") == "2 OK Nothing done\r\n");
  CHECK(house.b.say("1 NOOP\r\n") == "* 2 FETCH (FLAGS (\\Flagged))\r\n1 OK Nothing done\r\n");
  // .SILENT hides what the client can work out, not what another session did.
  CHECK(house.b.say("2 STORE 3 +FLAGS (\\Answered $Work)\r\n").ends_with("2 OK Stored\r\n"));
  CHECK(house.a.say("3 STORE 3 +FLAGS.SILENT (\\Draft)\r\n") ==
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)\r\n"
        "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work \\*)] Flags are kept\r\n"
        "* 3 FETCH (FLAGS (\\Answered \\Draft \\Recent $Work))\r\n3 OK Stored\r\n");
}

TEST_CASE("Behind a UID command flags are told with the UID (RFC 3501 section 6.4.8)") {
  House house;
  house.a.say("1 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n3 STORE 1:2 +FLAGS.SILENT (\\Flagged)\r\n");
  CHECK(house.b.say("1 UID STORE 3 +FLAGS.SILENT (\\Draft)\r\n") ==
        "* 1 EXPUNGE\r\n* 1 FETCH (UID 2 FLAGS (\\Flagged))\r\n* 2 FETCH (UID 3 FLAGS (\\Flagged \\Draft))\r\n"
        "1 OK Stored\r\n");
  CHECK(house.a.say("4 UID SEARCH ALL\r\n") ==
        "* SEARCH 2 3\r\n* 2 FETCH (UID 3 FLAGS (\\Flagged \\Draft \\Recent))\r\n4 OK Searched\r\n");
}

TEST_CASE("A message is recent in one session") {
  House house(0);
  house.a.say("1 APPEND INBOX {3+}\r\nnew\r\n");
  CHECK(house.a.say("2 FETCH 1 FLAGS\r\n") == "* 1 FETCH (FLAGS (\\Recent))\r\n2 OK Fetched\r\n");
  CHECK(house.b.say("1 NOOP\r\n") == "* 1 EXISTS\r\n* 0 RECENT\r\n1 OK Nothing done\r\n");
  CHECK(house.b.say("2 FETCH 1 FLAGS\r\n") == "* 1 FETCH (FLAGS ())\r\n2 OK Fetched\r\n");
}

TEST_CASE("IDLE tells what others do, at once") {
  House house;
  CHECK(house.b.say("1 IDLE\r\n") == "+ Idling\r\n");
  REQUIRE(house.b.session.watching());
  CHECK(house.b.session.watch_descriptor() >= 0);
  house.a.say("1 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n2 EXPUNGE\r\n");
  house.b.session.mailbox_changed();
  CHECK_FALSE(house.b.session.watching());
  CHECK(house.b.settle() == "* 1 EXPUNGE\r\n");
  CHECK(house.b.session.watching());
  house.b.session.keep_alive();
  CHECK(house.b.settle() == "* OK Still here\r\n");
  CHECK(house.b.session.watching());
  // What nobody told is seen then at the latest.
  house.a.say("3 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n4 EXPUNGE\r\n");
  house.b.session.keep_alive();
  CHECK(house.b.settle() == "* OK Still here\r\n* 1 EXPUNGE\r\n");
  CHECK(house.b.say("DONE\r\n") == "1 OK Idle ended\r\n");
  CHECK_FALSE(house.b.session.watching());
  house.b.session.keep_alive();
  CHECK(house.b.settle().empty());
}

TEST_CASE("IMP-27: a client that reads nothing stops the reading of its commands") {
  House house;
  std::string flood;
  for (int i = 0; i < 20000; ++i) flood += "x FETCH 1:3 (FLAGS UID BODY.PEEK[])\r\n";
  std::size_t fed = 0;
  while (house.a.session.wants_input() && fed < flood.size()) {
    house.a.session.feed(std::string_view(flood).substr(fed, 4096));
    fed += 4096;
    house.a.pool.drain();
  }
  CHECK(fed < 300000);
  // Read again: all is answered, in order, once.
  std::size_t answers = 0;
  std::string said;
  while (true) {
    said += house.a.settle();
    for (auto at = said.find("x OK"); at != std::string::npos; at = said.find("x OK", at + 4)) ++answers;
    said.erase(0, said.size() - std::min<std::size_t>(said.size(), 3));
    if (fed >= flood.size()) break;
    house.a.session.feed(std::string_view(flood).substr(fed, 4096));
    fed += 4096;
  }
  CHECK(answers == 20000);
}

TEST_CASE("IMP-12: a line that never ends is read up to its limit, whatever that is") {
  const store::MemoryAccount account;
  Settings settings;
  settings.limits.line = GENERATE(std::size_t{1000}, input_waiting, 4 * input_waiting);
  Client client(account, settings);
  client.session.start("in");
  client.settle();
  std::string said;
  for (std::size_t fed = 0; fed <= settings.limits.line; fed += 100) {
    REQUIRE(client.session.wants_input());
    said += client.say(std::string(100, 'x'));
  }
  CHECK(said == "* BAD Command too long\r\n* BYE Protocol error\r\n");
}

TEST_CASE("A long message comes in slices, with no more of it in memory than that") {
  House house(0);
  auto inbox = *house.account.open("INBOX", false);
  std::string octets = "Subject: long\r\n\r\n";
  while (octets.size() < 3000000) octets += std::string(70, 'x') + "\r\n";
  store::NewMessage message;
  message.octets = octets;
  (void)*inbox->append({&message, 1});
  house.a.say("1 NOOP\r\n");
  house.a.session.feed("2 FETCH 1 BODY[]\r\n");
  std::string said;
  for (std::string piece = "x"; !piece.empty();) {
    house.a.pool.drain();
    piece = house.a.session.take_output();
    CHECK(piece.size() < 3 * output_slice);
    said += piece;
    if (house.a.pool.turn()) said += house.a.session.take_output();
  }
  said += house.a.settle();
  CHECK(said.size() > octets.size());
  CHECK(said.find(octets) != std::string::npos);
  CHECK(said.ends_with(" FLAGS (\\Seen \\Recent))\r\n2 OK Fetched\r\n"));
}

TEST_CASE("A session may go while its job is at work") {
  store::MemoryAccount account;
  QueueExecutor pool;
  {
    Session session(pool, [account] { return std::make_unique<store::MemoryAccount>(account); }, {});
    session.start("in");
    pool.drain();
    session.feed("1 CREATE box\r\n");
  }
  pool.drain();
  CHECK(account.status("box"));
}

TEST_CASE("Mail that cannot be opened: said as our fault, then the end") {
  const Fd log_file(::memfd_create("log", MFD_CLOEXEC));
  log::attach(log_file.duplicate(), log::Framing::line);
  QueueExecutor pool;
  Settings settings;
  settings.user = "jim@minfo.sn";
  Session session(
      pool, []() -> Result<std::unique_ptr<store::Account>> { return fail(Kind::temporary, "no disk"); }, settings);
  session.start("in");
  session.feed("1 NOOP\r\n");
  pool.drain();
  log::attach(Fd(::dup(STDERR_FILENO)), log::Framing::line);
  std::array<char, 1000> said{};
  const auto count = ::pread(log_file.get(), said.data(), said.size(), 0);
  CHECK(std::string_view(said.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)))
            .contains("warning: jim@minfo.sn: mailbox: no disk\n"));  // all virtual users share a process
  CHECK(session.take_output() == "in NO [UNAVAILABLE] The mail cannot be opened now\r\n* BYE Try again later\r\n");
  CHECK(session.closed());
}

TEST_CASE("The ends from outside: BYE, but never inside a literal") {
  House house;
  SECTION("a client that is silent") {
    house.a.session.time_out();
    CHECK(house.a.settle() == "* BYE Autologout; idle for too long\r\n");
    CHECK(house.a.session.closed());
  }
  SECTION("in IDLE") {
    house.a.say("1 IDLE\r\n");
    house.a.session.shut_down();
    CHECK(house.a.settle() == "* BYE Server shutting down\r\n");
  }
  SECTION("behind the command at work") {
    house.a.session.feed("1 NOOP\r\n2 NOOP\r\n");
    house.a.session.shut_down();
    CHECK(house.a.settle() == "1 OK Nothing done\r\n* BYE Server shutting down\r\n");
  }
  SECTION("in the middle of a literal") {
    auto inbox = *house.account.open("INBOX", false);
    const std::string octets(1000000, 'x');
    store::NewMessage message;
    message.octets = octets;
    (void)*inbox->append({&message, 1});
    house.a.say("1 NOOP\r\n");
    house.a.session.feed("2 FETCH 4 BODY[]\r\n");
    house.a.pool.turn();
    house.a.session.shut_down();
    CHECK(house.a.settle().find("BYE") == std::string::npos);
    CHECK(house.a.session.closed());
  }
}

TEST_CASE("A mailbox that is too large to read at SELECT is read by the first command that needs it") {
  House house(0);
  auto inbox = *house.account.open("INBOX", false);
  std::vector<store::NewMessage> messages(10001);
  for (auto& message : messages) message.octets = "x\r\n";
  (void)*inbox->append(messages);
  Client c(house.account);
  c.session.start("in");
  c.settle();
  CHECK_THAT(c.say("1 SELECT INBOX\r\n"),
             Catch::Matchers::Contains("* 10001 EXISTS\r\n* 10001 RECENT\r\n* OK [UNSEEN 1]"));
  // Between SELECT and the first look one message goes and one comes: the client hears of both, in that order.
  const std::vector<store::Uid> gone{5};
  (void)*inbox->expunge(gone);
  (void)*inbox->append({messages.data(), 1});
  CHECK(c.say("2 FETCH 10001 UID\r\n") ==
        "* 10001 FETCH (UID 10001)\r\n* 10002 EXISTS\r\n* 10002 RECENT\r\n2 OK Fetched\r\n");
  CHECK(c.say("3 NOOP\r\n") == "* 5 EXPUNGE\r\n3 OK Nothing done\r\n");
  CHECK(c.say("4 FETCH * UID\r\n") == "* 10001 FETCH (UID 10002)\r\n4 OK Fetched\r\n");
}

TEST_CASE("The first unseen message of a mailbox is told from counters, whatever its UID") {
  House house(0);
  auto inbox = *house.account.open("INBOX", false);
  std::vector<store::NewMessage> messages(10002);
  for (auto& message : messages) message.octets = "x\r\n";
  for (std::size_t i = 0; i < 3; ++i) messages[i].system_flags = store::seen;
  (void)*inbox->append(messages);
  const std::vector<store::Uid> gone{1};
  (void)*inbox->expunge(gone);
  Client c(house.account);
  c.session.start("in");
  c.settle();
  CHECK_THAT(c.say("1 SELECT INBOX\r\n"), Catch::Matchers::Contains("* 10001 EXISTS\r\n") &&
                                              Catch::Matchers::Contains("* OK [UNSEEN 3] First unseen message\r\n"));
}
