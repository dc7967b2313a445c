// Maildrops on disk: the lock, the stable ids, the update.
#include "pop3d/server/open_maildrop.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "catch.h"

using namespace facteur;
using namespace facteur::pop3d;

namespace {

struct Disk {
  std::filesystem::path folder = [] {
    char name[] = "/tmp/facteur-drop-XXXXXX";
    return std::filesystem::path(::mkdtemp(name));
  }();
  config::Settings settings;
  auth::Account alice;
  QueueExecutor pool;

  Disk() {
    settings.hostname = "mail.example.test";
    settings.virtual_mail_root = folder;
    alice.name = "alice@example.test";
    alice.uid = ::getuid();
    alice.gid = ::getgid();
    alice.home = folder / "alice";
    alice.mail = maildir();
  }
  [[nodiscard]] std::string maildir() const { return "maildir:" + alice.home + "/Maildir"; }
  ~Disk() { std::filesystem::remove_all(folder); }

  /// A whole session: what the server says to these octets.
  std::string session(std::string_view octets) {
    Session session(pool, open_maildrop(alice, settings, false, nullptr), {});
    session.start();
    session.feed(octets);
    std::string said;
    for (bool more = true; more;) {
      more = pool.turn();
      const auto output = session.take_output();
      said += output;
      more = more || !output.empty();
    }
    return said;
  }
  void deliver(const std::string& name, const std::string& octets) {
    std::ofstream(folder / "alice/Maildir/new" / name, std::ios::binary) << octets;
  }
};

}  // namespace

TEST_CASE("POP-07: unique ids stay over sessions, new mail and deletions") {
  Disk disk;
  CHECK(disk.session("STAT\r\nQUIT\r\n").find("+OK 0 0") != std::string::npos);
  disk.deliver("1.a.host", "Subject: a\n\na\n");
  disk.deliver("2.b.host", "Subject: b\n\nb\n");
  const auto before = disk.session("UIDL 2\r\nLIST\r\nQUIT\r\n");
  CHECK(before.find("1 17\r\n2 17\r\n.\r\n") != std::string::npos);
  const auto id = before.substr(before.find("+OK 2 ") + 6, 16);
  disk.deliver("3.c.host", "Subject: c\n\nc\n");
  CHECK(disk.session("DELE 1\r\nQUIT\r\n").ends_with("+OK Bye\r\n"));
  disk.pool.drain();
  const auto after = disk.session("UIDL\r\nQUIT\r\n");
  CHECK(after.find("1 " + id + "\r\n2 ") != std::string::npos);
  CHECK(after.find("\r\n3 ") == std::string::npos);
}

TEST_CASE("POP-08: a maildrop in use is tried again for a while") {
  Disk disk;
  auto first =
      std::make_unique<Session>(disk.pool, open_maildrop(disk.alice, disk.settings, false, nullptr), SessionOptions{});
  first->start();
  disk.pool.drain();
  std::function<void()> waiting;
  SessionOptions options;
  options.delay = [&](Milliseconds delay, std::function<void()> handler) {
    CHECK(delay == open_interval);
    waiting = handler;
    return Ticket(std::make_shared<int>());
  };
  Session second(disk.pool, open_maildrop(disk.alice, disk.settings, false, nullptr), options);
  second.start();
  unsigned tries = 0;
  const auto try_again = [&] {
    disk.pool.drain();
    if (!waiting) return false;
    ++tries;
    std::exchange(waiting, nullptr)();
    return true;
  };
  SECTION("until it is free") {
    for (int i = 0; i < 5; ++i) REQUIRE(try_again());
    CHECK(second.take_output().empty());
    first.reset();
    while (try_again()) {
    }
    CHECK(second.take_output().starts_with("+OK"));
  }
  SECTION("but not for ever") {
    while (try_again()) {
    }
    CHECK(tries == open_attempts - 1);
    CHECK(second.take_output().starts_with("-ERR [IN-USE]"));
    CHECK(second.closed());
  }
  SECTION("nor by a server that ends") {
    REQUIRE(try_again());
    second.shut_down();
    CHECK(second.take_output() == "-ERR [SYS/TEMP] Server shutting down\r\n");
    first.reset();
    while (try_again()) {
    }
    CHECK(second.take_output().empty());
    CHECK(second.closed());
    disk.pool.drain();
    CHECK(disk.session("").starts_with("+OK"));
  }
}

TEST_CASE("POP-08: one session at a time; the lock goes with its session, however it ends") {
  Disk disk;
  auto first =
      std::make_unique<Session>(disk.pool, open_maildrop(disk.alice, disk.settings, false, nullptr), SessionOptions{});
  first->start();
  disk.pool.drain();
  CHECK(first->take_output().starts_with("+OK"));
  CHECK(disk.session("").starts_with("-ERR [IN-USE]"));
  first.reset();
  disk.pool.drain();
  CHECK(disk.session("").starts_with("+OK"));
  disk.pool.drain();
  CHECK(disk.session("QUIT\r\n").ends_with("+OK Bye\r\n"));
}

TEST_CASE("A maildrop that cannot be opened is our fault, and leaves no lock") {
  Disk disk;
  disk.alice.mail = "maildir:/dev/null/x";
  CHECK(disk.session("").find("-ERR [SYS/") == 0);
  disk.alice.mail = disk.maildir();
  CHECK(disk.session("").starts_with("+OK"));
}
