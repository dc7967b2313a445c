#include "common/store/index/index.h"

#include <csignal>
#include <random>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/store/index/lmdb_index.h"
#include "common/store/location.h"
#include "disk.h"
#include "mailbox_suite.h"

using namespace facteur;
using namespace facteur::store;

namespace {

Status some_status() {
  Status status;
  status.uid_validity = 7;
  status.uid_next = 4000000000;
  status.highest_modseq = std::uint64_t{1} << 60;
  status.messages = 3;
  status.recent = 2;
  status.unseen = 1;
  status.first_unseen = 9;
  status.first_unseen_number = 2;
  return status;
}

void fill(Index& index, int count) {
  for (int i = 1; i <= count; ++i) index.keep_summary({1, static_cast<Uid>(i), "m"}, "summary " + std::to_string(i));
}

}  // namespace

TEST_CASE("the index gives back what was kept, at once and after it was closed") {
  const Folder folder;
  for (const bool again : {false, true}) {
    const auto index = open_index(folder.path + "/index");
    REQUIRE(index);
    CHECK(open_index(folder.path + "/index") == index);
    if (!again) {
      fill(*index, 600);
      index->keep_counters("box", "state 1", some_status());
      index->forget_summaries(1, std::vector<Uid>{5});
    }
    CHECK(index->summary({1, 1, "m"}) == "summary 1");
    CHECK(index->summary({1, 600, "m"}) == "summary 600");
    CHECK_FALSE(index->summary({1, 5, "m"}));
    CHECK_FALSE(index->summary({2, 1, "m"}));
    // Another mailbox with the same UIDVALIDITY and UIDs: a copy of a folder, say.
    CHECK_FALSE(index->summary({1, 1, "n"}));
    const auto counters = index->counters("box", "state 1");
    REQUIRE(counters);
    CHECK(counters->uid_next == 4000000000);
    CHECK(counters->highest_modseq == std::uint64_t{1} << 60);
    CHECK(counters->first_unseen == 9);
    CHECK_FALSE(index->counters("box", "state 2"));
    CHECK_FALSE(index->counters("other", "state 1"));
  }
}

TEST_CASE("counters are remembered, and written for mailboxes that are long to read") {
  const Folder folder;
  auto large = some_status();
  large.messages = small_mailbox + 1;
  {
    LmdbIndex index(folder.path);
    index.keep_counters("small", "state 1", some_status());
    index.keep_counters("large", "state 1", large);
    CHECK(index.counters("small", "state 1"));
    index.keep_counters("large", "state 2", large);
    CHECK_FALSE(index.counters("large", "state 1"));
    index.close();
    CHECK(index.counters("large", "state 2"));
  }
  LmdbIndex later(folder.path);
  CHECK_FALSE(later.counters("small", "state 1"));
  CHECK_FALSE(later.counters("large", "state 1"));
  REQUIRE(later.counters("large", "state 2"));
  CHECK(later.counters("large", "state 2")->messages == large.messages);
  CHECK(later.counters("large", "state 2")->uid_next == large.uid_next);
  CHECK(later.counters("large", "state 2")->highest_modseq == large.highest_modseq);
  CHECK(later.counters("large", "state 2")->first_unseen == large.first_unseen);
  CHECK(later.counters("large", "state 2")->first_unseen_number == large.first_unseen_number);
  for (std::size_t i = 0; i < LmdbIndex::max_remembered + 10; ++i) {
    later.keep_counters(std::to_string(i), "state 1", some_status());
  }
  CHECK(later.counters("large", "state 2"));
}

TEST_CASE("an index that is deleted, emptied or overwritten while it is open is made anew") {
  const Folder folder;
  const auto path = folder.path + "/index";
  const auto index = open_index(path);
  fill(*index, 300);
  std::filesystem::remove_all(path);
  pause_for(LmdbIndex::look_interval);
  CHECK_FALSE(index->summary({1, 1, "m"}));
  fill(*index, 300);
  CHECK(index->summary({1, 1, "m"}) == "summary 1");
  CHECK(std::filesystem::exists(path + "/data.mdb"));
  write(path + "/data.mdb.new", "no index at all");
  std::filesystem::rename(path + "/data.mdb.new", path + "/data.mdb");
  pause_for(LmdbIndex::look_interval);
  CHECK_FALSE(index->summary({1, 1, "m"}));
  fill(*index, 300);
  CHECK(index->summary({1, 300, "m"}) == "summary 300");
}

TEST_CASE("where there can be no index, there is none and nothing fails") {
  const Folder folder;
  write(folder.path + "/file", "x");
  const auto index = open_index(folder.path + "/file/index");
  REQUIRE(index);
  fill(*index, 600);
  CHECK_FALSE(index->summary({1, 1, "m"}));
}

TEST_CASE("what the index writes as memory has its place on the disk") {
  const Folder folder;
  LmdbIndex index(folder.path + "/index");
  fill(index, 1);
  index.close();
  struct stat status{};
  REQUIRE(::stat((folder.path + "/index/lock.mdb").c_str(), &status) == 0);
  CHECK(status.st_size >= 8192);
  CHECK(status.st_blocks * 512 >= status.st_size);
}

TEST_CASE("a folder that others may have filled is not used, and left alone") {
  const Folder folder;
  const std::string path = folder.path + "/index";
  std::filesystem::create_directories(folder.path + "/theirs");
  SECTION("a link") {
    std::filesystem::create_symlink(folder.path + "/theirs", path);
  }
  SECTION("writable by everybody") {
    std::filesystem::create_directories(path);
    ::chmod(path.c_str(), 0707);
  }
  SECTION("somebody else's") {
    std::filesystem::create_directories(path);
    if (::chown(path.c_str(), 54321, 54321) < 0) return;  // for root to try
  }
  LmdbIndex index(path);
  fill(index, 1);
  index.close();
  CHECK_FALSE(index.summary({1, 1, "m"}));
  CHECK(std::filesystem::is_empty(folder.path + "/theirs"));
  CHECK(std::filesystem::is_empty(path));
}

TEST_CASE("the map grows with what is kept, in two processes at once") {
  const Folder folder;
  const auto path = folder.path + "/index";
  const std::string large(100000, 's');
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  const Uid first = child == 0 ? 1000 : 1;
  {
    const auto index = open_index(path);
    for (Uid uid = first; uid < first + 300; ++uid) index->keep_summary({1, uid, "m"}, large);
  }
  if (child == 0) ::_exit(0);
  int status = 0;
  ::waitpid(child, &status, 0);
  const auto index = open_index(path);
  int there = 0;
  for (Uid uid = 1; uid < 1300; ++uid) there += index->summary({1, uid, "m"}) == large ? 1 : 0;
  CHECK(there == 600);
}

TEST_CASE("a process that is killed while it writes leaves an index that is read") {
  const Folder folder;
  const auto path = folder.path + "/index";
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const auto index = open_index(path);
      for (;;) fill(*index, 2000);
    }
    pause_for(Milliseconds{10 + round * 3});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    const auto index = open_index(path);
    fill(*index, 300);
    for (Uid uid = 1; uid <= 2000; ++uid) {
      const auto kept = index->summary({1, uid, "m"});
      if (kept) REQUIRE(*kept == "summary " + std::to_string(uid));
    }
  }
}

TEST_CASE("a mailbox is the same with its index, without it, and when it is deleted under it") {
  const Folder folder;
  using Format = Location::Format;
  const std::string elsewhere = folder.path + "/indexes/jim";
  for (const auto& location : {location_of(Format::maildir, folder.path + "/Maildir", folder.path),
                               location_of(Format::mbox, folder.path + "/mbox", folder.path),
                               location_of(Format::maildir, folder.path + "/other", folder.path, elsewhere),
                               location_of(Format::mbox, folder.path + "/othermbox", folder.path, elsewhere)}) {
    INFO(location.path);
    Uid uid = 0;
    Status before;
    {
      const auto account = open_account(location);
      REQUIRE(account);
      const auto inbox = open_in(**account, "INBOX");
      uid = add(*inbox, suite_mail);
      add(*inbox, suite_mail, seen);
      CHECK((*inbox->summary(uid))->envelope.subject.value == "one");
      pause_for(Milliseconds{150});
      before = *inbox->status();
    }
    {
      // Answered by the index alone.
      const auto account = open_account(location);
      const auto status = (*account)->status("INBOX");
      REQUIRE(status);
      CHECK(status->messages == 2);
      CHECK(status->unseen == before.unseen);
      CHECK(status->uid_next == before.uid_next);
      CHECK(status->first_unseen == uid);
      const auto inbox = open_in(**account, "INBOX");
      CHECK((*inbox->summary(uid))->envelope.subject.value == "one");
      add(*inbox, suite_mail);
      CHECK((*account)->status("INBOX")->messages == 3);
      std::filesystem::remove_all(location.index);
      CHECK((*inbox->summary(uid))->envelope.subject.value == "one");
      CHECK((*account)->status("INBOX")->messages == 3);
    }
    std::filesystem::create_directories(location.index);
    write(location.index + "/data.mdb", "damage");
    discard_index(location);
    CHECK(std::filesystem::is_empty(location.index));
    auto options = OpenOptions();
    options.index = false;
    const auto account = open_account(location, options);
    CHECK((*account)->status("INBOX")->messages == 3);
  }
}
