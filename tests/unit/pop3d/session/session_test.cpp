// What dialogues cannot say of the engine behind login: flow control, faults of the store, endings at every moment.
#include "pop3d/session/session.h"

#include <memory>
#include <string>
#include <vector>

#include "../../common/store/faulty_mailbox.h"
#include "catch.h"
#include "common/store/memory/account.h"

using namespace facteur;
using namespace facteur::pop3d;

namespace {

/// One session on an inbox in memory.
struct Fixture {
  explicit Fixture(const std::vector<std::string>& messages) {
    auto inbox = *account.open("INBOX", false);
    for (const auto& octets : messages) {
      store::NewMessage message;
      message.octets = octets;
      REQUIRE(inbox->append({&message, 1}));
    }
    session.emplace(pool, [this] { return open(); }, SessionOptions{});
    session->start();
    pool.drain();
    (void)session->take_output();
  }
  std::expected<OpenMaildrop, OpenFailure> open() {
    std::shared_ptr<store::Mailbox> mailbox =
        std::make_shared<store::FaultyMailbox>(*account.open("INBOX", false), faults);
    auto snapshot = *mailbox->snapshot();
    auto held = std::shared_ptr<void>(nullptr, [this](void*) { locked = false; });
    locked = true;
    return OpenMaildrop{std::move(held), std::move(mailbox), std::move(snapshot)};
  }
  /// All there is to say, as a driver takes it.
  std::string take() {
    std::string said;
    for (bool more = true; more;) {
      more = pool.turn();
      const auto output = session->take_output();
      longest = std::max(longest, output.size());
      said += output;
      more = more || !output.empty();
    }
    return said;
  }
  std::string say(std::string_view octets) {
    session->feed(octets);
    return take();
  }
  std::uint32_t left() { return account.status("INBOX")->messages; }

  store::MemoryAccount account;
  std::shared_ptr<store::FaultyMailbox::Faults> faults = std::make_shared<store::FaultyMailbox::Faults>();
  QueueExecutor pool;
  bool locked = false;
  std::size_t longest = 0;
  std::optional<Session> session;
};

const std::string small = "Subject: x\r\n\r\nbody\r\n";

std::string big(std::size_t octets) {
  std::string message = "Subject: big\r\n\r\n";
  while (message.size() < octets) message += ".2345678901234567890\r\n";
  return message;
}

}  // namespace

TEST_CASE("A long message comes in slices, each read when the one before is taken") {
  const auto message = big(1000000);
  Fixture f({message});
  f.session->feed("RETR 1\r\n");
  CHECK(f.pool.turn());
  CHECK_FALSE(f.pool.turn());  // nobody took the first slice
  const auto said = f.take();
  CHECK(f.longest < 2 * Download::slice_octets);
  const auto first = "+OK " + std::to_string(message.size()) + " octets\r\n";
  REQUIRE(said.starts_with(first));
  REQUIRE(said.ends_with("\r\n.\r\n"));
  const auto body = said.substr(first.size(), said.size() - first.size() - 3);
  const auto lines = (message.size() - 16) / 22;
  CHECK(body.size() == message.size() + lines);  // every line of the body has one dot more
}

TEST_CASE("Messages of the size of a slice and its neighbours are whole") {
  for (const int off : {-1, 0, 1}) {
    auto message = std::string(Download::slice_octets - 2 + static_cast<std::size_t>(off), 'x') + "\r\n";
    Fixture f({message});
    CHECK(f.say("RETR 1\r\n") == "+OK " + std::to_string(message.size()) + " octets\r\n" + message + ".\r\n");
  }
}

TEST_CASE("TOP of a huge message reads no more than it sends") {
  Fixture f({big(1000000)});
  f.session->feed("TOP 1 1\r\n");
  CHECK(f.pool.turn());
  CHECK_FALSE(f.pool.turn());
  CHECK(f.take() == "+OK Top of message follows\r\nSubject: big\r\n\r\n..2345678901234567890\r\n.\r\n");
}

TEST_CASE("Thousands of pipelined commands are answered in order, in bounded memory") {
  Fixture f({small, small});
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "UIDL\r\nRETR 2\r\nDELE 1\r\nRSET\r\n";
  f.session->feed(many);
  CHECK_FALSE(f.session->wants_input());
  const auto said = f.take();
  CHECK(f.session->wants_input());
  CHECK(f.longest < 100000);
  std::size_t oks = 0;
  for (auto at = said.find("+OK"); at != std::string::npos; at = said.find("+OK", at + 1)) ++oks;
  CHECK(oks == 20000);
}

TEST_CASE("The maildrop of a session does not change while others deliver and expunge") {
  Fixture f({small, small});
  auto other = *f.account.open("INBOX", false);
  store::NewMessage message;
  message.octets = small;
  REQUIRE(other->append({&message, 1}));
  const std::vector<store::Uid> first{(*other->snapshot())->records[0].uid};
  REQUIRE(other->expunge(first));
  CHECK(f.say("STAT\r\n") == "+OK 2 40\r\n");
  CHECK(f.say("RETR 1\r\n").starts_with("-ERR"));
  CHECK(f.say("RETR 2\r\n").starts_with("+OK 20 octets\r\n"));
  CHECK(f.say("DELE 1\r\nQUIT\r\n") == "+OK Message 1 deleted\r\n+OK Bye\r\n");
  CHECK(f.left() == 2);
}

TEST_CASE("QUIT is +OK only when the deletion is durable") {
  Fixture f({small, small});
  f.faults->expunge = true;
  CHECK(f.say("DELE 1\r\nQUIT\r\n") ==
        "+OK Message 1 deleted\r\n-ERR [SYS/TEMP] Some deleted messages were not removed\r\n");
  CHECK(f.session->closed());
  CHECK(f.session->totals().problem == "expunge fails");
  CHECK(f.left() == 2);
}

TEST_CASE("The lock is free again before the client hears of it") {
  Fixture f({small});
  CHECK(f.locked);
  f.session->feed("DELE 1\r\nQUIT\r\n");
  CHECK(f.session->take_output() == "+OK Message 1 deleted\r\n");
  CHECK(f.locked);
  f.pool.turn();
  CHECK_FALSE(f.locked);
  CHECK(f.session->take_output() == "+OK Bye\r\n");
  CHECK(f.left() == 0);
}

TEST_CASE("POP-03: without QUIT nothing is deleted, and the lock is freed") {
  Fixture f({small, small});
  const bool reading = GENERATE(false, true);
  CHECK(f.say("DELE 1\r\nDELE 2\r\n").starts_with("+OK"));
  if (reading) f.session->feed("RSET\r\nRETR 1\r\n");
  SECTION("the connection is lost") {
    f.session.reset();
  }
  SECTION("the client is silent for too long") {
    f.session->time_out();
    CHECK(f.session->closed());
  }
  SECTION("the server goes down") {
    f.session->shut_down();
    CHECK(f.session->take_output().find("[SYS/TEMP]") == (reading ? std::string::npos : 5));
    CHECK(f.session->closed());
  }
  f.pool.drain();
  CHECK(f.left() == 2);
  CHECK_FALSE(f.locked);
}

TEST_CASE("QUIT is carried out though the client does not wait for the reply") {
  Fixture f({small, small});
  f.session->feed("DELE 1\r\nQUIT\r\n");
  f.session->time_out();
  f.session.reset();
  f.pool.drain();
  CHECK(f.left() == 1);
  CHECK_FALSE(f.locked);
}

TEST_CASE("A client that goes away while its maildrop is opened leaves no lock") {
  Fixture f({small});
  f.session.emplace(f.pool, [&f] { return f.open(); }, SessionOptions{});
  f.session->start();
  f.session.reset();
  f.pool.drain();
  CHECK_FALSE(f.locked);
}

TEST_CASE("A read that fails is told before the message, and breaks the connection inside it") {
  Fixture f({big(300000)});
  SECTION("before") {
    f.faults->read_at = 0;
    CHECK(f.say("RETR 1\r\n").starts_with("-ERR [SYS/TEMP]"));
    CHECK_FALSE(f.session->closed());
  }
  SECTION("inside") {
    f.faults->read_at = 100000;
  }
  SECTION("the file is shorter than was told") {
    f.faults->ends_at = 150000;
  }
  SECTION("by whole slices") {
    f.faults->ends_at = 2 * Download::slice_octets;
  }
  if (f.faults->read_at != 0) {
    const auto said = f.say("RETR 1\r\nNOOP\r\n");
    CHECK(said.starts_with("+OK 3000"));
    CHECK_FALSE(said.ends_with("\r\n.\r\n"));
    CHECK(f.session->closed());
    CHECK_FALSE(f.session->totals().problem.empty());
  }
}

TEST_CASE("What was retrieved is \\Seen after QUIT, and LAST knows it the next time") {
  Fixture f({small, small, small});
  const bool faulty = GENERATE(false, true);
  f.faults->flags = faulty;
  CHECK(f.say("RETR 2\r\nTOP 3 0\r\nLAST\r\nQUIT\r\n").ends_with("+OK 2\r\n+OK Bye\r\n"));
  CHECK(f.account.status("INBOX")->unseen == (faulty ? 3U : 2U));
  f.session.emplace(f.pool, [&f] { return f.open(); }, SessionOptions{});
  f.session->start();
  CHECK(f.take().starts_with("+OK"));
  CHECK(f.say("LAST\r\n") == (faulty ? "+OK 0\r\n" : "+OK 2\r\n"));
}

TEST_CASE("Octets that came before the maildrop was open are answered behind the greeting") {
  Fixture f({small});
  f.session.emplace(f.pool, [&f] { return f.open(); }, SessionOptions{});
  f.session->start();
  f.session->feed("STAT\r\n");
  CHECK(f.session->take_output().empty());
  CHECK(f.take() == "+OK Mailbox open, 1 messages\r\n+OK 1 20\r\n");
}
