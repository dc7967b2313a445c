#include "world.h"

using namespace facteur;
using namespace facteur::queue;

TEST_CASE("a message goes from smtpd into a mailbox and leaves nothing behind") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  const auto queue_id = world.submit("jim@minfo.sn", {"alice@minfo.sn"});
  CHECK(world.committed[queue_id]);
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.mailboxes["alice@minfo.sn"] == std::vector{queue_id});
  CHECK(world.last_content == "Received: by test\r\nSubject: x\r\n\r\nbody\r\n");
  world.until([&] { return folder.no_messages(); });

  const auto log = world.log.text();
  CHECK(log.find("facteur/queued[") != std::string::npos);
  CHECK(log.find(queue_id + ": from=<jim@minfo.sn>, size=39, nrcpt=1 (queue active)") != std::string::npos);
  CHECK(log.find(queue_id + ": to=<alice@minfo.sn>, relay=local, delay=") != std::string::npos);
  CHECK(log.find(", dsn=2.0.0, status=sent (delivered to maildir)") != std::string::npos);
}

TEST_CASE("an alias is replaced on disk before it is finished; each gets one copy") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  std::string on_disk;
  world.on_deliver = [&](Deliver deliver) {
    on_disk = *fs::read_file(folder.path + "/queue/" + deliver.queue_id);
    world.answer_delivery(deliver);
  };
  const auto queue_id = world.submit("a@x.org", {"sales@minfo.sn", "jim@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.mailboxes["jim@minfo.sn"].size() == 1);
  CHECK(world.mailboxes["jules@minfo.sn"].size() == 1);
  CHECK(world.sent == std::vector<std::string>{"far@away.org"});
  CHECK(world.log.count("to=<jules@minfo.sn>, orig_to=<sales@minfo.sn>, relay=local") == 1);

  MemoryOctets octets(on_disk);
  const auto message = load(octets);
  REQUIRE(message);
  REQUIRE(message->recipients.size() == 4);
  CHECK(message->recipients[0].standing == Standing::expanded);
  CHECK(message->recipients[2].recipient.parent == 1);
}

TEST_CASE("an alias is found by what its name says, not by how it is quoted") {
  const SpoolFolder folder;
  World world(folder);
  auto with_quoted = tables();
  with_quoted.aliases["a team"] = {{"jim"}, "", "/etc/aliases", 3};
  world.core.set_tables(with_quoted);
  world.connect_smtpd();
  const auto queue_id = world.submit("a@x.org", {"\"a team\"@minfo.sn", "\"jules\"@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.mailboxes["jim@minfo.sn"].size() == 1);
  CHECK(world.mailboxes["jules@minfo.sn"].size() == 1);
}

TEST_CASE("each recipient has its line, also one that stands for others who are recipients already") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  const auto queue_id = world.submit("a@x.org", {"jim@minfo.sn", "jules@minfo.sn", "far@away.org", "sales@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.mailboxes["jim@minfo.sn"].size() == 1);
  CHECK(world.log.count(queue_id + ": to=<") == 4);
  CHECK(world.log.count("to=<sales@minfo.sn>, relay=none") == 1);
}

TEST_CASE("an alias that cannot be used makes mail wait, not bounce") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  const auto queue_id = world.submit("a@x.org", {"broken@minfo.sn"});
  world.until([&] { return world.log.count("status=deferred (alias database problem") == 1; });
  CHECK(std::filesystem::exists(folder.path + "/queue/" + queue_id));
}

TEST_CASE("what is deferred is recorded with its reason, tried again, and delivered") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.deferring_accounts = {"bob@minfo.sn"};
  const auto queue_id = world.submit("a@x.org", {"alice@minfo.sn", "bob@minfo.sn"});
  world.until([&] { return world.core.waiting() == 1 && world.core.in_core() == 0; });
  const auto file = *fs::read_file(folder.path + "/queue/" + queue_id);
  MemoryOctets octets(file);
  const auto message = load(octets);
  REQUIRE(message);
  CHECK(message->recipients[0].standing == Standing::delivered);
  CHECK(message->recipients[1].reason == "locked");
  CHECK(message->next_attempt > wall_now().time_since_epoch().count());
  world.deferring_accounts.clear();
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.mailboxes["alice@minfo.sn"].size() == 1);
  CHECK(world.mailboxes["bob@minfo.sn"].size() == 1);
}

TEST_CASE("a failure is reported to the sender; a report that fails goes to postmaster, and there it ends (REL-09)") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.unknown_accounts = {"nobody@minfo.sn"};
  const auto queue_id = world.submit("jim@minfo.sn", {"nobody@minfo.sn", "alice@minfo.sn"});
  world.until([&] { return world.mailboxes["jim@minfo.sn"].size() == 1; });
  CHECK(world.log.count("to=<nobody@minfo.sn>, relay=none") == 1);
  CHECK(world.log.count("dsn=5.1.1, status=bounced (unknown user)") == 1);
  CHECK(world.log.count(queue_id + ": sender non-delivery notification: B") == 1);
  CHECK(world.last_content.find("multipart/report") != std::string::npos);
  CHECK(world.last_content.find("nobody@minfo.sn") != std::string::npos);

  world.unknown_accounts = {"nobody@minfo.sn", "gone@minfo.sn"};
  (void)world.submit("gone@minfo.sn", {"nobody@minfo.sn"});
  world.until([&] { return world.mailboxes["postmaster@minfo.sn"].size() == 1; });
  CHECK(world.log.count("postmaster non-delivery notification") == 1);

  world.unknown_accounts.insert("postmaster@minfo.sn");
  world.local.forget_accounts();
  (void)world.submit("gone@minfo.sn", {"nobody@minfo.sn"});
  world.until([&] { return world.log.count("to=<postmaster@minfo.sn>, relay=none") == 1; });
  world.until([&] { return world.core.in_core() == 0 && world.core.waiting() == 0; });
  CHECK(world.log.count("non-delivery notification") == 5);
  world.until([&] { return folder.no_messages(); });
}

TEST_CASE("a bounce carries whole fields, as many as bounce_size_limit lets it, and at 0 nothing of the message") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.unknown_accounts = {"nobody@minfo.sn"};
  const std::string trace = "Received: by test\r\n";  // put on top by the queue file of this test
  const std::string first = trace + "To: a,\r\n b\r\n";
  const std::string header = first + "Subject: secret\r\n\tplan\r\n";
  std::size_t bounces = 0;
  const auto returned = [&](std::uint64_t limit) {
    auto options = quick_options();
    options.bounce_size_limit = limit;
    world.core.set_options(options);
    (void)world.submit("jim@minfo.sn", {"nobody@minfo.sn"}, header.substr(trace.size()) + "\r\nbody\r\n");
    world.until([&] { return world.mailboxes["jim@minfo.sn"].size() == bounces + 1; });
    ++bounces;
    const auto& report = world.last_content;
    CHECK(report.ends_with("--\r\n"));
    for (const std::string type :
         {"Content-Type: text/rfc822-headers\r\n\r\n", "Content-Type: message/rfc822\r\n\r\n"}) {
      const auto begin = report.find(type);
      if (begin == std::string::npos) continue;
      const auto text = report.substr(begin + type.size());
      return text.substr(0, text.find("\r\n--"));
    }
    return std::string("no part");
  };
  CHECK(returned(0) == "no part");
  CHECK(returned(trace.size() - 1) == "no part");
  CHECK(returned(first.size() - 1) == trace);
  CHECK(returned(first.size()) == first);
  CHECK(returned(header.size() - 1) == first);
  CHECK(returned(header.size()) == header);
  CHECK(returned(header.size() + 1) == header);
  CHECK(returned(header.size() + 8) == header + "\r\nbody\r\n");
}

TEST_CASE("NOTIFY=NEVER is obeyed") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.failing_accounts = {"full@minfo.sn"};
  const auto queue_id = world.submit("jim@minfo.sn", {"full@minfo.sn"}, "Subject: x\r\n\r\n", notify::never);
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.log.count("non-delivery notification") == 0);
}

TEST_CASE("too many Received fields: one bounce 5.4.6 (REL-07)") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  std::string header;
  for (int i = 0; i < 50; ++i) header += i % 2 == 0 ? "Received: x\r\n" : "rEceived: y\r\n folded\r\n";
  (void)world.submit("jim@minfo.sn", {"alice@minfo.sn"}, header + "\r\nbody\r\n");
  world.until([&] { return world.mailboxes["jim@minfo.sn"].size() == 1; });
  CHECK(world.mailboxes["alice@minfo.sn"].empty());
  CHECK(world.log.count("dsn=5.4.6, status=bounced (too many hops)") == 1);
}

TEST_CASE("a worker that dies with a delivery costs seconds, not mail") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.on_deliver = [&](Deliver) {
    world.on_deliver = nullptr;
    world.worker->close("killed");
  };
  const auto queue_id = world.submit("a@x.org", {"alice@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.mailboxes["alice@minfo.sn"].size() == 1);
  CHECK(world.deliveries.size() == 2);
}

TEST_CASE("a worker answers for the recipients it was given and for no others") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.on_deliver = [&](const Deliver& deliver) {
    world.on_deliver = nullptr;
    Delivered answer;
    answer.id = deliver.id;
    answer.results = {{2, Fate::delivered, "2.0.0", "mine", "local", false}};
    world.worker->send(answer);
  };
  const auto queue_id = world.submit("a@x.org", {"alice@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.mailboxes["alice@minfo.sn"].size() == 1);
  CHECK(world.log.count("status=sent (mine)") == 0);
}

TEST_CASE("a system user's worker gets the content alone when others are among the recipients") {
  const SpoolFolder folder;
  World world(folder);
  world.system_user = true;
  world.core.set_tables(tables());
  world.connect_smtpd();
  auto queue_id = world.submit("a@x.org", {"alice@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK_FALSE(world.last_content_only);
  queue_id = world.submit("a@x.org", {"alice@minfo.sn", "bob@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.last_content_only);
  CHECK(world.last_content == "Received: by test\r\nSubject: x\r\n\r\nbody\r\n");
}

TEST_CASE("an idle worker may end, a busy one may not") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  Deliver kept;
  world.on_deliver = [&](Deliver deliver) { kept = std::move(deliver); };
  const auto queue_id = world.submit("a@x.org", {"alice@minfo.sn"});
  world.until([&] { return !kept.queue_id.empty(); });
  world.worker->send(WantEnd{});
  world.turn_for(Milliseconds{50});
  CHECK_FALSE(world.may_end);
  world.answer_delivery(kept);
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  world.worker->send(WantEnd{});
  world.until([&] { return world.may_end; });
}

TEST_CASE("hostile texts of peers stay on one line of the log") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.on_deliver = [&](const Deliver& deliver) {
    Delivered answer;
    answer.id = deliver.id;
    answer.results = {{1, Fate::delivered, "9.9.9\n",
                       "ok)\nNov 22 00:00:00 host facteur/queued[1]: X: removed\x1b[2J" + std::string(9000, 'x'), "",
                       false}};
    world.worker->send(answer);
  };
  const auto queue_id = world.submit("a@x.org\n", {"al>ice@minfo.sn"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.log.count("\nNov 22 00:00:00") == 0);
  CHECK(world.log.count("dsn=2.0.0, status=sent (ok)\\nNov") == 1);
  CHECK(world.log.count("to=<al\\x3eice@minfo.sn>") == 1);
}

TEST_CASE("more mail than the core holds is delivered all the same") {
  const SpoolFolder folder;
  auto options = quick_options();
  options.most_recipients = 3;
  World world(folder, options);
  world.core.set_tables(tables());
  world.connect_smtpd();
  std::vector<Deliver> kept;
  world.on_deliver = [&](Deliver deliver) { kept.push_back(std::move(deliver)); };
  std::vector<std::string> queue_ids;
  for (int i = 0; i < 20; ++i) queue_ids.push_back(world.submit("a@x.org", {"alice@minfo.sn"}));
  world.until([&] { return kept.size() == 3; });
  CHECK(world.core.in_core() == 3);
  CHECK(world.core.waiting() == 17);
  world.on_deliver = nullptr;
  for (const auto& deliver : kept) world.answer_delivery(deliver);
  world.until([&] { return world.log.count(": removed") == 20; });
  auto got = world.mailboxes["alice@minfo.sn"];
  std::ranges::sort(got);
  std::ranges::sort(queue_ids);
  CHECK(got == queue_ids);
}

namespace {

/// A disk that is full for what is appended to a message's log.
class FullDisk final : public fs::Files {
 public:
  bool full = false;
  [[nodiscard]] Result<> write_at(int fd, std::string_view octets, std::uint64_t offset) override {
    if (full) return fail_errno("write", ENOSPC);
    return fs::Files::write_at(fd, octets, offset);
  }
};

}  // namespace

TEST_CASE("what was delivered while the disk was full is not delivered again") {
  const SpoolFolder folder;
  {
    FullDisk disk;
    World world(folder, quick_options(), disk);
    world.core.set_tables(tables());
    world.connect_smtpd();
    world.deferring_accounts = {"bob@minfo.sn"};
    Slot slot = world.take_slot();
    REQUIRE(fs::system_files().write_at(
        slot.file.get(),
        World::message_octets("jim@minfo.sn", {"alice@minfo.sn", "bob@minfo.sn"}, "Subject: x\r\n\r\n"), 0));
    slot.file.reset();
    disk.full = true;
    world.smtpd->send(Commit{slot.queue_id});
    world.until([&] { return world.log.count("to=<bob@minfo.sn>") >= 3; });
    CHECK(world.log.count("to=<alice@minfo.sn>") == 1);
    CHECK(world.mailboxes["alice@minfo.sn"].size() == 1);
    // Once there is room it is recorded: a restart does not repeat it either.
    disk.full = false;
    world.until([&] { return world.log.count("to=<bob@minfo.sn>") >= 5; });
    world.until([&] { return world.core.in_core() == 0; });
  }
  World again(folder);
  again.core.set_tables(tables());
  again.until([&] { return again.mailboxes["bob@minfo.sn"].size() == 1; });
  CHECK(again.mailboxes["alice@minfo.sn"].empty());
}
