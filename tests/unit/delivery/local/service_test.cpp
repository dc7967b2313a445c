// The whole of `local` but its main: a door, queue files, and mailboxes in a folder of the test.

#include "delivery/local/service.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

#include "catch.h"
#include "common/fs/files.h"
#include "common/process/mail_place.h"
#include "queue/format/writer.h"

using namespace facteur;
using namespace facteur::local;
namespace stdfs = std::filesystem;

namespace {

Fd queue_file(const std::string& content, const std::string& top) {
  queue::Recipient recipient;
  recipient.address = "a@x.org";
  auto writer = queue::Writer::start({}, {recipient});
  REQUIRE(writer);
  Fd file(::memfd_create("queue", MFD_CLOEXEC));
  writer->append(content);
  for (const auto& piece : writer->finish(top)) {
    REQUIRE(fs::system_files().write_at(file.get(), piece.octets, piece.offset));
  }
  return file;
}

std::string read(const stdfs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct World {
  std::string folder = [] {
    char name[] = "/tmp/facteur-local-XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  loop::Loop loop;
  config::Settings settings;
  Service service{loop, settings};
  std::optional<ipc::Door> door;
  std::vector<queue::Delivered> delivered;
  int wants_end = 0;

  World() {
    settings.hostname = "mail.x.org";
    settings.virtual_mail_root = folder;
    connect();
  }
  ~World() {
    loop::Timer rest(loop);
    rest.start(Milliseconds{50}, [this] { loop.stop(); });
    loop.run();
    stdfs::remove_all(folder);
  }
  void connect() {
    auto pair = ipc::make_pair();
    REQUIRE(pair);
    door.emplace(loop, std::move(pair->second), "local");
    door->on<queue::Delivered>([this](queue::Delivered answer) {
      delivered.push_back(std::move(answer));
      loop.stop();
    });
    door->on<queue::WantEnd>([this](const queue::WantEnd&) {
      ++wants_end;
      loop.stop();
    });
    door->open();
    service.serve(std::make_unique<ipc::Door>(loop, std::move(pair->first), "queued"));
  }
  std::string home(const std::string& account) const { return folder + "/x.org/" + account; }
  auth::Account account(const std::string& name, const std::string& mail) const {
    auth::Account record;
    record.name = name + "@x.org";
    record.uid = ::getuid();
    record.gid = ::getgid();
    record.home = home(name);
    record.mail = process::expand_mail(mail, record);
    return record;
  }
  void add(const std::string& name, const std::string& mail = "maildir:~/Maildir") {
    bool made = false;
    service.add_and_make(account(name, mail), [&] {
      made = true;
      loop.stop();
    });
    run();
    REQUIRE(made);
  }
  void run(Milliseconds limit = Milliseconds{8000}) {
    loop::Timer alarm(loop);
    alarm.start(limit, [this] { loop.stop(); });
    loop.run();
  }
  static queue::Deliver request(const std::vector<std::string>& accounts, Fd message) {
    queue::Deliver request;
    request.id = 3;
    request.queue_id = "4bXabcdefghi";
    request.message = std::move(message);
    request.reverse_path = "s@y.org";
    request.arrival = 1700000000;
    request.first_attempt = true;
    for (const auto& name : accounts) {
      const auto number = static_cast<std::uint32_t>(request.recipients.size() + 1);
      request.recipients.push_back({number, name + "@x.org", name + "@x.org", name + "@x.org"});
    }
    return request;
  }
  std::vector<queue::RecipientResult> send(queue::Deliver request) {
    delivered.clear();
    REQUIRE(door->send(std::move(request)));
    run();
    REQUIRE(delivered.size() == 1);
    CHECK(delivered[0].id == 3);
    auto results = std::move(delivered[0].results);
    std::ranges::sort(results, {}, &queue::RecipientResult::number);
    return results;
  }
  std::vector<stdfs::path> mails(const std::string& name) const {
    std::vector<stdfs::path> found;
    for (const char* part : {"/Maildir/new", "/Maildir/cur"}) {
      if (!stdfs::exists(home(name) + part)) continue;
      for (const auto& entry : stdfs::directory_iterator(home(name) + part)) found.push_back(entry.path());
    }
    return found;
  }
};

}  // namespace

TEST_CASE("a message lands in each mailbox, ours on top, then the queue's headers, then the content") {
  World world;
  world.add("jim");
  world.add("eve");
  const auto results =
      world.send(World::request({"jim", "eve"}, queue_file("Subject: hi\r\n\r\nbody\r\n", "Received: here\r\n")));
  REQUIRE(results.size() == 2);
  for (const auto& result : results) {
    CHECK(result.fate == queue::Fate::delivered);
    CHECK(result.status == "2.0.0");
    CHECK(result.text == "delivered to maildir");
    CHECK(result.relay == "local");
  }
  REQUIRE(world.mails("jim").size() == 1);
  CHECK(read(world.mails("jim")[0]) ==
        "Return-Path: <s@y.org>\nX-Original-To: jim@x.org\nDelivered-To: jim@x.org\nReceived: here\nSubject: "
        "hi\n\nbody\n");
  CHECK(world.mails("eve").size() == 1);
}

TEST_CASE("new/ that was moved away and made anew gets the mail that comes then") {
  World world;
  world.add("jim");
  CHECK(world.send(World::request({"jim"}, queue_file("Subject: 1\r\n\r\n", "")))[0].fate == queue::Fate::delivered);
  const auto maildir = world.home("jim") + "/Maildir";
  stdfs::rename(maildir + "/new", maildir + "/new.old");
  stdfs::create_directory(maildir + "/new");
  auto second = World::request({"jim"}, queue_file("Subject: 2\r\n\r\n", ""));
  second.queue_id = "4bXabcdefghj";
  CHECK(world.send(std::move(second))[0].fate == queue::Fate::delivered);
  CHECK(world.mails("jim").size() == 1);
}

TEST_CASE("a retry that finds its own file delivers no second time, from memory or from the queue file") {
  World world;
  world.add("jim");
  const std::string content = "Subject: hi\r\n\r\nbody\r\n";
  CHECK(world.send(World::request({"jim"}, queue_file(content, "")))[0].fate == queue::Fate::delivered);
  auto again = World::request({"jim"}, queue_file(content, ""));
  again.first_attempt = false;
  CHECK(world.send(std::move(again))[0].fate == queue::Fate::delivered);
  auto from_memory = World::request({"jim"}, *fs::sealed_memory("message", content));
  from_memory.first_attempt = false;
  from_memory.content_only = true;
  CHECK(world.send(std::move(from_memory))[0].fate == queue::Fate::delivered);
  CHECK(world.mails("jim").size() == 1);
}

TEST_CASE("each recipient has a result of its own: loops fail, strangers and broken mailboxes wait") {
  World world;
  world.add("jim");
  world.add("eve");
  world.add("bad");
  stdfs::remove_all(world.home("bad"));
  std::ofstream(world.home("bad")) << "a file where a folder was";
  const auto results = world.send(World::request({"jim", "eve", "nobody", "bad"},
                                                 queue_file("Delivered-To: eve@x.org\r\nSubject: x\r\n\r\nb\r\n", "")));
  REQUIRE(results.size() == 4);
  CHECK(results[0].fate == queue::Fate::delivered);
  CHECK(results[1].fate == queue::Fate::failed);
  CHECK(results[1].status == "5.4.6");
  CHECK(results[2].fate == queue::Fate::deferred);
  CHECK(results[2].status == "4.3.0");
  CHECK(results[3].fate == queue::Fate::deferred);
  CHECK(results[3].status == "4.2.0");
  CHECK(world.mails("eve").empty());
}

TEST_CASE("a Maildir that was moved away and made anew gets the next message") {
  World world;
  world.add("jim");
  auto first = World::request({"jim"}, queue_file("a: b\r\n\r\n1", ""));
  CHECK(world.send(std::move(first))[0].fate == queue::Fate::delivered);
  stdfs::rename(world.home("jim") + "/Maildir", world.home("jim") + "/Old");
  auto second = World::request({"jim"}, queue_file("a: b\r\n\r\n2", ""));
  second.queue_id = "4bXzzzzzzzzz";
  CHECK(world.send(std::move(second))[0].fate == queue::Fate::delivered);
  REQUIRE(world.mails("jim").size() == 1);
  CHECK(read(world.mails("jim")[0]).ends_with("2"));
}

TEST_CASE("what is no message is not delivered") {
  World world;
  world.add("jim");
  CHECK(world.send(World::request({"jim"}, Fd(::memfd_create("empty", MFD_CLOEXEC))))[0].fate == queue::Fate::deferred);
  auto open_memory = World::request({"jim"}, Fd(::memfd_create("open", MFD_CLOEXEC)));
  open_memory.content_only = true;
  CHECK(world.send(std::move(open_memory))[0].fate == queue::Fate::deferred);
  CHECK(world.mails("jim").empty());
}

TEST_CASE("a thousand deliveries at once all arrive, and none is answered through a newer door") {
  World world;
  world.add("jim");
  std::set<std::uint64_t> answered;
  for (std::uint64_t i = 0; i < 100; ++i) {
    auto request = World::request({"jim", "jim", "jim", "jim", "jim"}, queue_file("a: b\r\n\r\nx", ""));
    request.id = i;
    request.queue_id = "4bX" + std::to_string(100000000 + i);
    REQUIRE(world.door->send(std::move(request)));
  }
  for (int i = 0; i < 200 && world.delivered.size() < 100; ++i) world.run();
  for (const auto& answer : world.delivered) {
    answered.insert(answer.id);
    for (const auto& result : answer.results) CHECK(result.fate == queue::Fate::delivered);
  }
  CHECK(answered.size() == 100);
  CHECK(world.mails("jim").size() == 500);

  world.delivered.clear();
  auto late = World::request({"jim"}, queue_file("a: b\r\n\r\nlate", ""));
  late.queue_id = "4bXlate000000";
  REQUIRE(world.door->send(std::move(late)));
  world.run(Milliseconds{20});
  const auto seen = world.delivered.size();
  world.connect();
  world.run(Milliseconds{300});
  CHECK(world.delivered.size() == seen);
  CHECK(world.mails("jim").size() == 501);
}

TEST_CASE("an idle worker asks, and ends only when queued agrees") {
  World world;
  bool ended = false;
  world.service.end_when_idle(Seconds{1}, [&] {
    ended = true;
    world.loop.stop();
  });
  world.run(Milliseconds{2500});
  CHECK(world.wants_end >= 1);
  CHECK_FALSE(ended);
  REQUIRE(world.door->send(queue::MayEnd{}));
  for (int i = 0; i < 3 && !ended; ++i) world.run(Milliseconds{500});
  CHECK(ended);
}
