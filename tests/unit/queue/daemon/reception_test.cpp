#include "world.h"

using namespace facteur;
using namespace facteur::queue;

TEST_CASE("slots die with the door they came through") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  Slot slot = world.take_slot();
  REQUIRE(fs::system_files().write_at(slot.file.get(), World::message_octets("a@x", {"alice@minfo.sn"}, "x\r\n"), 0));
  const auto stock = folder.names().size() - 8;
  world.smtpd->close("killed");
  world.until([&] { return folder.names().size() == stock && folder.no_messages(); });
  CHECK(world.mailboxes.empty());
}

TEST_CASE("an smtpd commits what it was given, whole, and nothing else") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();

  Slot open = world.take_slot();  // its descriptor is still open
  REQUIRE(fs::system_files().write_at(open.file.get(), World::message_octets("a@x", {"alice@minfo.sn"}, "x\r\n"), 0));
  world.smtpd->send(Commit{open.queue_id});
  Slot torn = world.take_slot();
  const auto octets = World::message_octets("a@x", {"alice@minfo.sn"}, "x\r\n");
  REQUIRE(fs::system_files().write_at(torn.file.get(), octets.substr(0, octets.size() - 1), 0));
  torn.file.reset();
  world.smtpd->send(Commit{torn.queue_id});
  world.until([&] { return world.committed.size() == 2; });
  CHECK_FALSE(world.committed[open.queue_id]);
  CHECK_FALSE(world.committed[torn.queue_id]);
  world.until([&] { return folder.no_messages(); });
  CHECK(world.core.in_core() + world.core.waiting() == 0);

  world.smtpd->send(Commit{"0123456789ab"});
  world.until([&] { return world.smtpd_closed; });
}

TEST_CASE("a descriptor that was kept open cannot change a message after its commit") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  Slot slot = world.take_slot();
  const Fd second = slot.file.duplicate();
  REQUIRE(fs::system_files().write_at(slot.file.get(), World::message_octets("a@x", {"alice@minfo.sn"}, "x\r\n"), 0));
  slot.file.reset();
  world.smtpd->send(Commit{slot.queue_id});
  world.until([&] { return world.committed.contains(slot.queue_id); });
  CHECK_FALSE(world.committed[slot.queue_id]);
}

TEST_CASE("discarded slots go, more slots than allowed end the door") {
  const SpoolFolder folder;
  World world(folder);
  world.connect_smtpd();
  const Slot slot = world.take_slot();
  const auto before = folder.names().size();
  world.smtpd->send(Discard{{slot.queue_id}});
  world.until([&] { return folder.names().size() == before - 1; });
  world.smtpd->send(WantSlots{static_cast<std::uint32_t>(Reception::most_slots)});
  world.until([&] { return world.smtpd_closed; });
  world.until([&] { return folder.names().size() == before - 8; });
}

TEST_CASE("no space: smtpd hears that there are no slots") {
  const SpoolFolder folder;
  auto options = quick_options();
  options.minfree = std::uint64_t{1} << 60;
  World world(folder, options);
  world.connect_smtpd();
  world.smtpd->send(WantSlots{8});
  world.until([&] { return world.answers_to_wants == 1; });
  CHECK(world.slots_given.empty());
  CHECK(world.log.count("no room for messages") == 1);
}

TEST_CASE("once there is no space, slots that were made before are not given out, and those given are called back") {
  const SpoolFolder folder;
  auto options = quick_options();
  World world(folder, options);
  world.connect_smtpd();
  const Slot slot = world.take_slot();
  const auto before = world.answers_to_wants;
  options.minfree = std::uint64_t{1} << 60;
  world.reception.set_options(options);
  world.until([&] { return world.answers_to_wants == before + 1; });  // nobody asked
  world.slots_given.clear();
  world.smtpd->send(WantSlots{8});
  world.until([&] { return world.answers_to_wants == before + 2; });
  CHECK(world.slots_given.empty());
  CHECK(world.log.count("no room for messages") == 1);
  options.minfree = 1;
  world.reception.set_options(options);
  world.smtpd->send(WantSlots{8});
  world.until([&] { return world.slots_given.size() == 8; });
}

TEST_CASE("after a start the spool is taken up: whole messages delivered, the rest put where it belongs") {
  const SpoolFolder folder;
  const auto put = [&](const std::string& name, const std::string& octets) {
    REQUIRE(fs::replace_file(folder.path + "/queue/" + name, octets, 0600));
  };
  {
    auto spool = Spool::open(fs::system_files(), folder.path);
    REQUIRE(spool);
  }
  const auto whole = World::message_octets("a@x.org", {"alice@minfo.sn"}, "Subject: x\r\n\r\nbody\r\n");
  auto rotten = whole;
  rotten[rotten.find("body")] = 'B';
  auto waiting = whole;
  append_record(waiting, RecordKind::deferred,
                Event{1, (wall_now() + Seconds{1}).time_since_epoch().count(), "", {{1, "4.0.0", "later"}}});
  auto done = whole;
  append_record(done, RecordKind::delivered, Event{1, 0, "", {{1, "2.0.0", "ok"}}});
  auto version = whole;
  put("slot00000000", "");
  put("cut000000000", whole.substr(0, 30));
  put("whole0000000", whole);
  put("rotten000000", rotten);
  put("waiting00000", waiting);
  put("done00000000", done);
  put("not-ours", "x");

  World world(folder);
  world.core.set_tables(tables());
  world.until([&] { return world.log.count("whole0000000: removed") == 1; });
  CHECK(world.log.count("waiting00000: from=") == 0);
  world.until([&] { return world.log.count("waiting00000: removed") == 1; });
  world.until([&] { return folder.names().size() - folder.slots() == 1; });
  CHECK(std::filesystem::exists(folder.path + "/queue/not-ours"));
  CHECK(folder.names("corrupt") == std::vector<std::string>{"rotten000000"});
  CHECK(world.log.count("done00000000: to=") == 0);
  CHECK(world.mailboxes["alice@minfo.sn"].size() == 2);
}

TEST_CASE("nothing is taken up before the tables are there") {
  const SpoolFolder folder;
  World world(folder);
  world.connect_smtpd();
  const auto queue_id = world.submit("a@x.org", {"sales@minfo.sn"});
  CHECK(world.committed[queue_id]);
  world.turn_for(Milliseconds{50});
  CHECK(world.deliveries.empty());
  world.connect_remote();
  world.core.set_tables(tables());
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
}
