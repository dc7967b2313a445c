// Moving out and coming back on disks that fail, and cut off at every step: no UID is ever a second message's.
#include <map>

#include "dovecot_model.h"
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

namespace stdfs = std::filesystem;

namespace {

std::unique_ptr<MaildirAccount> existing(const std::string& path, fs::Files& files) {
  auto account = MaildirAccount::open_existing(path, {.host = "host.example.test", .files = &files, .index = nullptr});
  REQUIRE(account);
  return *std::move(account);
}

/// A mailbox, and all that anybody was ever told of it: one message a UID.
struct Ledger {
  Ledger() {
    (void)look();  // makes the folders
    for (int i = 0; i < 4; ++i) come("/new/");
    REQUIRE(look().records.size() >= 3);
    const auto account = account_at(folder.path, disk);
    const auto inbox = open_in(*account, "INBOX");
    const Uid last = 4;
    const Uid flagged_one = 2;
    REQUIRE(inbox->change_flags({&flagged_one, 1}, FlagChange::add, flagged, {"Work"}));
    REQUIRE(inbox->expunge({&last, 1}));
    REQUIRE(look().records.size() >= 3);
  }

  /// A message of its own.
  void come(const std::string& where) {
    const auto name = std::to_string(1700000000 + number) + ".M" + std::to_string(number) + "P1.h";
    write(folder.path + where + name, "Number: " + std::to_string(number++) + "\n\n");
  }
  void tell(std::uint32_t validity, Uid uid, const std::string& content) {
    const auto& known = told.try_emplace({validity, uid}, content).first->second;
    REQUIRE(known == content);
  }
  /// Somebody who was not here before looks at all messages.
  Snapshot look() {
    const auto account = account_at(folder.path, disk);
    const auto inbox = open_in(*account, "INBOX");
    const auto snapshot = *now(*inbox);
    for (const auto& record : snapshot.records) {
      tell(snapshot.uid_validity, record.uid, to_lf(content_of(*inbox, record.uid)));
    }
    return snapshot;
  }
  void serve_by_dovecot() {
    DovecotModel dovecot(folder.path);
    for (int i = 0; i < 2; ++i) {
      come("/new/");
      dovecot.sync();
      for (const auto& [uid, base] : dovecot.uids) tell(dovecot.uid_validity, uid, dovecot.content(uid));
      stdfs::remove(folder.path + "/cur/" + dovecot.files.at(dovecot.uids.rbegin()->second));
    }
    dovecot.sync();
  }
  bool move_out(fs::Files& files) { return existing(folder.path, files)->move_out("INBOX").has_value(); }

  Folder folder;
  UnsyncedFiles disk;
  int number = 0;
  std::map<std::pair<std::uint32_t, Uid>, std::string> told;
};

/// A disk on which one name cannot be read.
struct Unreadable : UnsyncedFiles {
  std::string name;
  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    if (path == name) return fail_errno("open " + path, EIO);
    return UnsyncedFiles::open(directory, path, flags, mode);
  }
};

/// What is synced and renamed, in its order.
struct Recorder : fs::Files {
  std::vector<std::string> calls;
  Result<> sync(int fd) override {
    calls.push_back("sync " + stdfs::read_symlink("/proc/self/fd/" + std::to_string(fd)).filename().string());
    return Files::sync(fd);
  }
  Result<> rename(int from_directory, const std::string& from, int to_directory, const std::string& to) override {
    calls.push_back("rename " + to);
    return Files::rename(from_directory, from, to_directory, to);
  }
  [[nodiscard]] std::ptrdiff_t first(const std::string& call, std::ptrdiff_t from = 0) const {
    const auto at = std::find(calls.begin() + from, calls.end(), call);
    INFO(call);
    REQUIRE(at != calls.end());
    return at - calls.begin();
  }
};

}  // namespace

TEST_CASE("a move that fails or is cut off at any point leaves every UID where it was") {
  const bool for_ever = GENERATE(false, true);
  bool reached = true;
  int moved = 0;
  for (int fault = 0; reached; ++fault) {
    INFO(fault);
    REQUIRE(fault < 100);
    Ledger ledger;
    const auto before = ledger.look();
    FaultyFiles files;
    files.for_ever = for_ever;
    files.errno_value = EIO;
    files.fail_at = fault;
    const bool done = ledger.move_out(files);
    reached = files.operations > fault;
    if (done) {
      ++moved;
      ledger.serve_by_dovecot();
    } else {
      const auto after = ledger.look();
      CHECK(after.uid_validity == before.uid_validity);
      CHECK(uids_of(after) == uids_of(before));
      CHECK(after.records[1].flags.keywords == before.records[1].flags.keywords);
      CHECK(after.records[1].flags.system == flagged);
    }
    ledger.come("/new/");
    CHECK(ledger.look().uid_validity == before.uid_validity);
    // Once more, on a disk that works.
    REQUIRE(ledger.move_out(ledger.disk));
    ledger.serve_by_dovecot();
    const auto last = ledger.look();
    CHECK(last.uid_validity == before.uid_validity);
    REQUIRE(last.records.size() == 4);
    CHECK(last.records[1].flags == Flags{flagged, 1});
  }
  CHECK(moved >= 1);
}

TEST_CASE("coming back that fails or is cut off at any point takes what Dovecot did at the next try") {
  const bool for_ever = GENERATE(false, true);
  bool reached = true;
  for (int fault = 0; reached; ++fault) {
    INFO(fault);
    REQUIRE(fault < 100);
    Ledger ledger;
    const auto before = ledger.look();
    REQUIRE(ledger.move_out(ledger.disk));
    ledger.serve_by_dovecot();
    ledger.come("/new/");
    {
      FaultyFiles files;
      files.for_ever = for_ever;
      const auto account = account_at(ledger.folder.path, files);
      files.fail_at = files.operations + fault;
      const auto inbox = account->open("INBOX", false);
      const auto seen = inbox ? (*inbox)->snapshot() : Result<std::shared_ptr<const Snapshot>>(fail(inbox));
      if (seen) {
        for (const auto& record : (*seen)->records) {
          ledger.tell((*seen)->uid_validity, record.uid, to_lf(content_of(**inbox, record.uid)));
        }
      }
      reached = files.operations > files.fail_at;
    }
    const auto after = ledger.look();
    CHECK(after.uid_validity == before.uid_validity);
    REQUIRE(after.records.size() == before.records.size() + 1);
    for (std::size_t i = 0; i < before.records.size(); ++i) CHECK(after.records[i].uid == before.records[i].uid);
    CHECK(after.records.back().uid >= 7);
  }
}

TEST_CASE("what of Dovecot's cannot be read is an error, and no reason for new UIDs") {
  Ledger ledger;
  const auto before = ledger.look();
  REQUIRE(ledger.move_out(ledger.disk));
  ledger.serve_by_dovecot();
  Unreadable files;
  const auto account = account_at(ledger.folder.path, files);
  const auto inbox = open_in(*account, "INBOX");
  for (const char* name : {"dovecot-uidlist", "dovecot-keywords", "facteur-uidvalidity"}) {
    files.name = name;
    INFO(name);
    const auto seen = inbox->snapshot();
    if (seen) CHECK((*seen)->uid_validity == before.uid_validity);
    if (name == std::string("dovecot-uidlist")) CHECK_FALSE(seen);
  }
  files.name.clear();
  CHECK(now(*inbox)->uid_validity == before.uid_validity);
  CHECK(*now(*inbox) == ledger.look());
}

TEST_CASE("a power cut leaves no list handed over without what Dovecot reads") {
  Ledger ledger;
  Recorder files;
  REQUIRE(ledger.move_out(files));
  const auto root = stdfs::path(ledger.folder.path).filename().string();
  const auto handed_over = files.first("rename facteur-uids");
  // The names of the messages, the keywords' file, the account's file.
  CHECK(files.first("sync cur") < handed_over);
  CHECK(files.first("sync dovecot-keywords.new") < files.first("rename dovecot-keywords"));
  CHECK(files.first("sync facteur-uidvalidity") < files.first("rename dovecot-uidlist"));
  CHECK(files.first("sync dovecot-uidlist.new") < files.first("rename dovecot-uidlist"));
  CHECK(files.first("sync " + root, files.first("rename dovecot-uidlist")) < handed_over);
  CHECK(files.first("sync facteur-uids.new") < handed_over);
  CHECK(files.first("sync " + root, handed_over) > handed_over);
}

TEST_CASE("a session that has the mailbox open while it goes gives no UID that Dovecot gives") {
  Ledger ledger;
  const auto account = account_at(ledger.folder.path, ledger.disk);
  const auto inbox = open_in(*account, "INBOX");
  const auto before = *now(*inbox);
  fs::Files others;
  REQUIRE(ledger.move_out(others));
  ledger.serve_by_dovecot();
  // It acts before it looks.
  const Uid first = 1;
  REQUIRE(inbox->change_flags({&first, 1}, FlagChange::add, seen, {"Private"}));
  const Uid uid = add(*inbox, suite_mail);
  ledger.tell(before.uid_validity, uid, to_lf(suite_mail));
  CHECK(now(*inbox)->uid_validity == before.uid_validity);
  CHECK(*now(*inbox) == ledger.look());
  CHECK(now(*inbox)->records.front().flags.system == seen);
}

TEST_CASE("keywords that come while a mailbox goes are in the names of its files") {
  struct Setting : UnsyncedFiles {
    Ledger* ledger = nullptr;
    Result<> rename(int from_directory, const std::string& from, int to_directory, const std::string& to) override {
      if (to == "dovecot-keywords" && ledger != nullptr) {
        const auto account = account_at(std::exchange(ledger, nullptr)->folder.path);
        const Uid first = 1;
        REQUIRE(open_in(*account, "INBOX")->change_flags({&first, 1}, FlagChange::add, 0, {"Late"}));
      }
      return UnsyncedFiles::rename(from_directory, from, to_directory, to);
    }
  } files;
  Ledger ledger;
  files.ledger = &ledger;
  REQUIRE(ledger.move_out(files));
  DovecotModel dovecot(ledger.folder.path);
  dovecot.sync();
  CHECK(dovecot.names.at('b') == "Late");
  CHECK(dovecot.letters(1) == "b");
}

TEST_CASE("messages that come while a mailbox goes are Dovecot's to number") {
  struct Delivering : UnsyncedFiles {
    Ledger* ledger = nullptr;
    Result<> rename(int from_directory, const std::string& from, int to_directory, const std::string& to) override {
      if (ledger != nullptr && to != "facteur-uidvalidity") ledger->come("/new/");
      return UnsyncedFiles::rename(from_directory, from, to_directory, to);
    }
  } files;
  Ledger ledger;
  files.ledger = &ledger;
  REQUIRE(ledger.move_out(files));
  files.ledger = nullptr;
  CHECK(DovecotModel(ledger.folder.path).uids.size() == 3);
  ledger.serve_by_dovecot();
  CHECK(ledger.look().records.size() > 4);
}
