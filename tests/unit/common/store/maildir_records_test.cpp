// What the index keeps of a large Maildir: another process must see with it what it would see without.
#include <atomic>
#include <random>

#include "common/store/index/index.h"
#include "common/store/maildir/core.h"
#include "common/store/maildir/delivery.h"
#include "common/store/tidy.h"
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

namespace stdfs = std::filesystem;

namespace {

/// Counts the readings of new/ and cur/, and those of the list. Cores with other Files than the system's do not linger:
/// one that is opened again is like that of another process.
struct CountingFiles : UnsyncedFiles {
  std::atomic<int> listings = 0;
  std::atomic<std::uint64_t> octets = 0;
  Result<std::vector<std::string>> list(int directory, const std::string& path) override {
    if (!stdfs::read_symlink("/proc/self/fd/" + std::to_string(directory)).string().ends_with("/tmp")) ++listings;
    return Files::list(directory, path);
  }
  Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t most) override {
    auto out = Files::read_at(fd, offset, most);
    if (out) octets += out->size();
    return out;
  }
};

constexpr int many = small_mailbox + 100;

struct House {
  Folder folder;
  CountingFiles files;
  std::string index = folder.path + "/.facteur/index";

  House() {
    (void)account_at(folder.path)->open("INBOX", false);
    const auto box = account_at(folder.path, files);
    REQUIRE(open_in(*box, "INBOX")->snapshot());
    for (int i = 0; i < many; ++i) {
      const auto name = std::to_string(1700000000 + i) + ".M1P1.host";
      write(folder.path + (i % 50 == 0 ? "/new/" + name : "/cur/" + name + (i % 3 == 0 ? ":2,S" : ":2,")),
            "X: y\n\nz\n");
    }
  }
  [[nodiscard]] std::unique_ptr<Account> account() {
    auto account = MaildirAccount::open_root(
        folder.path, {.host = "host.example.test", .files = &files, .index = open_index(index)});
    REQUIRE(account);
    return *std::move(account);
  }
  /// The INBOX as another process would open it, with the index.
  [[nodiscard]] std::unique_ptr<Mailbox> open() { return open_in(*account(), "INBOX"); }
  /// What a process sees that has no index, but mod-sequences: those of flags stand nowhere but in the index.
  [[nodiscard]] Snapshot truth() const {
    UnsyncedFiles theirs;
    const auto account = account_at(folder.path, theirs);
    return without_modseqs(open_in(*account, "INBOX")->snapshot());
  }
  [[nodiscard]] static Snapshot without_modseqs(const Result<std::shared_ptr<const Snapshot>>& snapshot) {
    REQUIRE(snapshot);
    auto out = **snapshot;
    for (auto& record : out.records) {
      REQUIRE(record.modseq <= out.highest_modseq);
      record.modseq = 0;
    }
    out.highest_modseq = 0;
    return out;
  }
  /// Reads the mailbox when its folders have been left alone for a while, and keeps it.
  static void keep(Mailbox& box) {
    pause_for(Milliseconds{150});
    REQUIRE(box.snapshot());
    tidy(Seconds{0});
  }
  void keep_now() { keep(*open()); }
  /// How often folders are listed when it is opened once more.
  [[nodiscard]] int listings_to_open() {
    const int before = files.listings;
    const auto snapshot = open()->snapshot();
    REQUIRE(snapshot);
    return files.listings - before;
  }
  [[nodiscard]] std::string file(const std::string& part, std::size_t number) const {
    return folder.path + part + files_in(folder.path + part)[number];
  }
};

}  // namespace

TEST_CASE("a large mailbox is taken from the index by who opens it next, as it is") {
  House house;
  const Uid marked[] = {7, 20, 300};
  {
    const auto box = house.open();
    REQUIRE(box->snapshot());
    REQUIRE(box->change_flags(marked, FlagChange::add, flagged, {"$Work", "Later"}));
    House::keep(*box);
  }

  house.files.octets = 0;
  CHECK(house.listings_to_open() == 0);
  CHECK(house.files.octets == 0);  // the list is not read either
  const auto again = house.open();
  const auto kept = *again->snapshot();
  CHECK(kept->records.size() == many);
  CHECK(House::without_modseqs(kept) == house.truth());
  // And it is a mailbox like one that was read.
  const Uid next = add(*again, suite_mail, seen);
  CHECK(next == kept->uid_next);
  const Uid second = 2;
  CHECK(again->expunge({&second, 1})->size() == 1);
  REQUIRE(again->change_flags({marked, 1}, FlagChange::remove, flagged, {"Later"}));
  CHECK(House::without_modseqs(again->snapshot()) == house.truth());
}

TEST_CASE("what went is kept with the messages") {
  House house;
  const Uid some[] = {40, 41, 300};
  const Uid later = 500;
  std::uint64_t before = 0;
  std::uint64_t between = 0;
  {
    const auto box = house.open();
    before = (*box->snapshot())->highest_modseq;
    REQUIRE(box->expunge(some)->size() == 3);
    between = (*box->snapshot())->highest_modseq;
    REQUIRE(box->expunge({&later, 1})->size() == 1);
    House::keep(*box);
  }
  house.files.octets = 0;
  const auto box = house.open();
  using Ranges = std::vector<UidRange>;
  CHECK(box->expunged_since(before) == Ranges{{40, 41}, {300, 300}, {500, 500}});
  CHECK(box->expunged_since(between) == Ranges{{500, 500}});
  CHECK(house.files.octets == 0);  // without reading the list
}

TEST_CASE("what changed since it was kept is seen: new mail without reading cur/, all else by reading both") {
  House house;
  house.keep_now();
  const std::string cur = house.folder.path + "/cur/";
  int expected = 0;
  SECTION("nothing") {
  }
  SECTION("a message in new/") {
    write(house.folder.path + "/new/1800000000.M1P1.host", "X: y\n\n");
    expected = 1;
  }
  SECTION("one taken out of new/") {
    stdfs::remove(house.file("/new/", 3));
    expected = 3;  // it may have been renamed: looked for once more
  }
  SECTION("a second file of a message, in new/") {
    const auto name = files_in(cur)[5];
    stdfs::copy_file(cur + name, house.folder.path + "/new/" + name.substr(0, name.find(':')));
    expected = 2;
  }
  SECTION("other flags") {
    const auto name = files_in(cur)[5];
    stdfs::rename(cur + name, cur + name.substr(0, name.find(':')) + ":2,FT");
    expected = 2;
  }
  SECTION("a message that went") {
    stdfs::remove(house.file("/cur/", 5));
    expected = 4;
  }
  SECTION("a message that came into cur/") {
    write(cur + "1800000000.M1P1.host:2,R", "X: y\n\n");
    expected = 2;
  }
  SECTION("keywords, given by who has no index") {
    UnsyncedFiles theirs;
    const auto account = account_at(house.folder.path, theirs);
    const auto box = open_in(*account, "INBOX");
    const Uid tenth = 10;
    REQUIRE(box->snapshot());
    REQUIRE(box->change_flags({&tenth, 1}, FlagChange::add, 0, {"$Elsewhere"}));
    expected = 2;
  }
  pause_for(Milliseconds{150});
  CHECK(house.listings_to_open() == expected);
  CHECK(House::without_modseqs(house.open()->snapshot()) == house.truth());
}

TEST_CASE("an index that is damaged or gone is not missed") {
  House house;
  house.keep_now();
  const auto data = house.index + "/data.mdb";
  const auto whole = read(data);
  SECTION("gone") {
    stdfs::remove_all(house.index);
    CHECK(house.listings_to_open() == 2);
  }
  SECTION("octets of it are others") {
    std::mt19937 random(GENERATE(range(1U, 6U)));
    tidy(Seconds{0});  // closed: LMDB maps what it has open
    auto octets = whole;
    // Not in its own pages' heads, which LMDB believes: in the dates of messages, which stand before their names.
    constexpr std::size_t from_date = 2 + 3 * 8;
    for (auto at = octets.find(".M1P1.host"); at != std::string::npos; at = octets.find(".M1P1.host", at + 1)) {
      if (random() % 50 == 0) octets[at - 10 - from_date + random() % 8] ^= 1;
    }
    write(data, octets);
  }
  CHECK(House::without_modseqs(house.open()->snapshot()) == house.truth());
}

TEST_CASE("records of a mailbox that is deleted go") {
  House house;
  const auto account = house.account();
  REQUIRE(account->create("box"));
  for (int i = 0; i < many; ++i) {
    write(house.folder.path + "/.box/cur/" + std::to_string(1700000000 + i) + ".M1P1.host:2,", "X: y\n\n");
  }
  {
    const auto box = open_in(*account, "box");
    REQUIRE(box->snapshot());
    House::keep(*box);
  }
  struct stat status{};
  REQUIRE(::stat((house.folder.path + "/.box/new").c_str(), &status) == 0);
  const auto mailbox = std::to_string(status.st_ino);
  const auto index = open_index(house.index);
  int there = 0;
  const auto count = [&](Uid, std::string_view) { return ++there > 0; };
  const auto yes = [](std::string_view) { return true; };
  CHECK(index->records(mailbox, yes, count));
  CHECK(there == many);
  REQUIRE(account->remove("box"));
  there = 0;
  CHECK_FALSE(index->records(mailbox, yes, count));
  CHECK(there == 0);
}

TEST_CASE("whatever others do between two processes, the second sees with the index what it would see without") {
  House house;
  std::mt19937 random(GENERATE(range(1U, 5U)));
  const auto below = [&](std::size_t most) { return static_cast<unsigned>(random() % most); };
  const std::string fresh = house.folder.path + "/new/";
  const std::string cur = house.folder.path + "/cur/";
  const auto act = [&](Mailbox& box) {
    const auto names = files_in(cur);
    const auto& name = names[below(names.size())];
    const auto base = name.substr(0, name.find(':'));
    const Uid uid = 1 + below(many);
    const auto what = below(6);
    if (what == 0) write(fresh + "19" + std::to_string(100000 + below(900000)) + ".M1P1.host", "X: y\n\n");
    if (what == 1) stdfs::remove(cur + name);
    if (what == 2) stdfs::rename(cur + name, cur + base + (below(2) == 0 ? ":2,FS" : ":2,T"));
    if (what == 3) REQUIRE(box.change_flags({&uid, 1}, FlagChange::add, answered, {"$k" + std::to_string(below(5))}));
    if (what == 4) REQUIRE(box.expunge({&uid, 1}));
    if (what == 5) add(box, suite_mail, 0);
  };
  for (int round = 0; round < 8; ++round) {
    const auto box = house.open();
    REQUIRE(box->snapshot());
    for (auto left = below(6); left > 0; --left) act(*box);
    if (below(4) != 0) House::keep(*box);
    for (auto left = below(3); left > 0; --left) act(*box);
    if (below(2) == 0) pause_for(Milliseconds{150});
    const auto now = House::without_modseqs(house.open()->snapshot());
    REQUIRE(now == house.truth());
  }
}
