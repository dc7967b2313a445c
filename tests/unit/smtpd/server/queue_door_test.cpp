// Reception into slots: what is on disk before the reply, and every way in which it goes wrong.
#include "smtpd/server/queue_door.h"

#include <catch.h>

#include "peers.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;

namespace {

std::vector<queue::Recipient> one_recipient() {
  queue::Recipient recipient;
  recipient.address = recipient.original_address = "alice@our.test";
  return {recipient};
}

/// One smtpd's door with its queued.
struct Fixture {
  FailingFiles files;  // before the loop: abandoned slots are cut while the loop is destroyed
  loop::Loop loop;
  FakeQueued queued{loop};
  QueueDoor door{loop, files};
  Ticket ticket;
  std::optional<Error> open_error;
  std::unique_ptr<Reception> reception;
  std::optional<Result<>> finished;

  explicit Fixture(bool connected = true) {
    if (connected) door.connect(queued.connect());
  }
  bool open() {
    queue::Envelope envelope;
    envelope.reverse_path = "a@b.example";
    ticket = door.open(envelope, one_recipient(), [this](Queue::Opened opened) {
      if (opened) reception = std::move(*opened);
      if (!opened) open_error = opened.error();
    });
    return turn_until(loop, [this] { return reception || open_error; });
  }
  bool write(std::string_view content) {
    if (reception->write(content)) return true;
    bool room = false;
    ticket = reception->drained([&](bool) { room = true; });
    return turn_until(loop, [&] { return room; });
  }
  bool finish() {
    ticket = reception->finish("Received: x\r\n", [this](Result<> result) { finished = std::move(result); });
    return turn_until(loop, [this] { return finished.has_value(); });
  }
  bool gone() {
    reception.reset();
    return turn_until(loop, [this] { return !queued.discarded.empty(); });
  }
};

}  // namespace

TEST_CASE("a small message is one write and one sync, and is read back as it was") {
  Fixture f;
  REQUIRE(f.open());
  REQUIRE(f.write("Subject: x\r\n\r\n"));
  REQUIRE(f.write("body\r\n"));
  REQUIRE(f.finish());
  REQUIRE(f.finished->has_value());
  REQUIRE(f.queued.kept.size() == 1);
  CHECK(f.queued.kept[0].queue_id == f.reception->queue_id());
  CHECK(f.queued.kept[0].octets == "Received: x\r\nSubject: x\r\n\r\nbody\r\n");
  CHECK(f.queued.kept[0].message.envelope.reverse_path == "a@b.example");
  CHECK(f.queued.kept[0].message.recipients[0].recipient.address == "alice@our.test");
  CHECK(f.files.syncs == 1);
}

TEST_CASE("a large message is written as it comes, within bounds") {
  Fixture f;
  REQUIRE(f.open());
  const std::string line = std::string(998, 'x') + "\r\n";
  std::string all;
  for (int i = 0; i < 5000; ++i) {
    all += line;
    REQUIRE(f.write(line));
  }
  REQUIRE(f.finish());
  REQUIRE(f.finished->has_value());
  CHECK(f.queued.kept[0].octets == "Received: x\r\n" + all);
  CHECK(f.files.syncs == 1);
}

TEST_CASE("a reception that is dropped leaves an empty file, and its slot is given back") {
  for (const std::size_t octets : {0U, 10U, 3'000'000U}) {
    Fixture f;
    REQUIRE(f.open());
    const auto id = f.reception->queue_id();
    if (octets > 0) (void)f.reception->write(std::string(octets, 'x'));
    REQUIRE(f.gone());
    REQUIRE(f.queued.discarded.contains(id));
    CHECK(f.queued.discarded[id] == 0);
    CHECK(f.queued.kept.empty());
  }
}

TEST_CASE("a failed sync: no commit, the file is cut, and it is never synced again") {
  Fixture f;
  f.files.sync_errno = EIO;
  REQUIRE(f.open());
  REQUIRE(f.write("x\r\n"));
  REQUIRE(f.finish());
  CHECK(!f.finished->has_value());
  CHECK(f.queued.kept.empty());
  CHECK(f.files.truncations == 1);
  REQUIRE(f.gone());
  CHECK(f.queued.discarded.begin()->second == 0);
  CHECK(f.files.syncs == 1);
}

TEST_CASE("no space: told apart, and nothing more is written") {
  Fixture f;
  REQUIRE(f.open());
  f.files.write_errno = ENOSPC;
  REQUIRE(f.write(std::string(1'000'000, 'x')));
  REQUIRE(f.finish());
  REQUIRE(!f.finished->has_value());
  CHECK(f.finished->error().errno_value == ENOSPC);
  CHECK(f.files.writes == 1);
  CHECK(f.files.syncs == 0);
}

TEST_CASE("queued refuses: no") {
  Fixture f;
  f.queued.refusing = true;
  REQUIRE(f.open());
  REQUIRE(f.finish());
  CHECK(!f.finished->has_value());
}

TEST_CASE("a slot dies with its door: while it is written, and while its commit is out") {
  for (const bool committed : {false, true}) {
    Fixture f;
    f.queued.silent = true;
    REQUIRE(f.open());
    if (!committed) {
      f.queued.die();
      REQUIRE(turn_until(f.loop, [&, before = f.door.generation()] { return f.door.generation() != before; }));
    } else {
      f.ticket = f.reception->finish({}, [&](Result<> result) { f.finished = std::move(result); });
      REQUIRE(turn_until(f.loop, [&] { return f.files.syncs == 1; }));
      f.queued.die();
    }
    f.door.connect(f.queued.connect());
    if (!committed) REQUIRE(f.finish());
    REQUIRE(turn_until(f.loop, [&] { return f.finished.has_value(); }));
    CHECK(!f.finished->has_value());
    CHECK(f.queued.kept.empty());
    // The next message goes through the new door.
    f.queued.silent = false;
    f.reception.reset();
    f.finished.reset();
    REQUIRE(f.open());
    REQUIRE(f.finish());
    CHECK(f.finished->has_value());
  }
}

TEST_CASE("messages wait for a queued that comes late") {
  Fixture f(false);
  f.ticket = f.door.open({}, one_recipient(), [&](Queue::Opened opened) { f.reception = std::move(*opened); });
  f.loop.turn();
  CHECK(!f.reception);
  f.door.connect(f.queued.connect());
  CHECK(turn_until(f.loop, [&] { return f.reception != nullptr; }));
}

TEST_CASE("many messages at once: more slots are asked for") {
  Fixture f;
  std::vector<Ticket> tickets;
  std::vector<std::unique_ptr<Reception>> receptions;
  for (int i = 0; i < 200; ++i) {
    tickets.push_back(f.door.open({}, one_recipient(), [&](Queue::Opened opened) {
      REQUIRE(opened);
      receptions.push_back(std::move(*opened));
    }));
  }
  CHECK(turn_until(f.loop, [&] { return receptions.size() == 200; }));
  CHECK(f.queued.given <= 200 + QueueDoor::most_slots);
  receptions.clear();
  CHECK(turn_until(f.loop, [&] { return f.queued.discarded.size() == 200; }));
}

TEST_CASE("a full queue takes its slots back; the next message hears of no space, until there is some") {
  Fixture f;
  REQUIRE(turn_until(f.loop, [&] { return f.queued.given >= 8; }));
  REQUIRE(f.open());
  f.queued.recall();
  REQUIRE(turn_until(f.loop, [&] { return f.queued.discarded.size() + 1 == f.queued.given; }));
  REQUIRE(f.write("x\r\n"));  // what has begun goes on
  REQUIRE(f.finish());
  CHECK(f.finished->has_value());
  f.reception.reset();
  REQUIRE(f.open());
  REQUIRE(f.open_error);
  CHECK(f.open_error->errno_value == ENOSPC);
  f.open_error.reset();
  f.queued.full = false;
  REQUIRE(f.open());
  CHECK(f.reception);
}
