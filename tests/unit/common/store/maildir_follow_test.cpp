// A Maildir that others change while it is open: what is followed name by name must be what a reading finds.
#include <atomic>
#include <random>

#include "common/store/maildir/delivery.h"
#include "common/store/watch.h"
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

namespace stdfs = std::filesystem;

namespace {

/// Counts the readings of folders.
struct CountingFiles : UnsyncedFiles {
  std::atomic<int> readings = 0;
  Result<std::vector<std::string>> list(int directory, const std::string& path) override {
    ++readings;
    return Files::list(directory, path);
  }
};

bool can_follow(const std::string& path) {
  const auto folder = fs::system_files().open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  REQUIRE(folder);
  if (sees_every_change(folder->get())) return true;
  WARN("not tested: " << path << " is on a file system whose changes this kernel may not see");
  return false;
}

void deliver(const std::string& path, const std::string& queue_id) {
  const auto delivery = MaildirDelivery::open(path, "h");
  REQUIRE(delivery);
  const std::string text = "X: " + queue_id + "\r\n\r\n";
  ViewContent content(text);
  REQUIRE((*delivery)->deliver({.headers = "",
                                .message = &content,
                                .reverse_path = "",
                                .queue_id = queue_id,
                                .recipient = 1,
                                .arrival = 1700000000,
                                .first_attempt = true}));
}

/// An INBOX that has been read once, and what its account reads it with.
template <class Calls>
struct OpenInbox {
  Folder folder;
  Calls calls;
  std::unique_ptr<Account> account = account_at(folder.path, calls);
  std::unique_ptr<Mailbox> inbox = open_in(*account, "INBOX");

  OpenInbox() { REQUIRE(inbox->snapshot()); }
  /// A message comes, and the reading that sees it begins to watch.
  void begin_to_follow() {
    deliver(folder.path, "4bXaaaaaaaaa");
    CHECK(seen_by(*inbox).size() == 1);
  }
};

/// Another program that changes a Maildir at random.
struct Other {
  std::string path;
  std::mt19937 random;
  int made = 0;

  [[nodiscard]] unsigned below(std::size_t most) { return static_cast<unsigned>(random() % most); }
  [[nodiscard]] std::string any() {
    std::vector<std::string> all;
    for (const std::string part : {"/new/", "/cur/"}) {
      for (const auto& name : files_in(path + part)) all.push_back(path + part + name);
    }
    return all.empty() ? std::string() : all[below(all.size())];
  }
  [[nodiscard]] std::string renamed(const std::string& file) {
    static constexpr std::array<const char*, 5> infos = {":2,", ":2,S", ":2,FS", ":2,RS", ":2,ST"};
    const auto name = stdfs::path(file).filename().string();
    return path + "/cur/" + name.substr(0, name.find(':')) + infos[below(infos.size())];
  }
  [[nodiscard]] std::size_t messages_in_cur() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(files_in(path + "/cur"), [](const std::string& name) { return !name.starts_with("."); }));
  }
  void make() {
    const auto name = "17000" + std::to_string(10000 + made++) + ".M1P1.h";
    write(path + "/tmp/" + name, "X: y\n\n");
    stdfs::rename(path + "/tmp/" + name, path + (below(2) == 0 ? "/new/" + name : "/cur/" + name + ":2,F"));
  }
  void act() {
    const auto file = any();
    const auto what = file.empty() ? 0 : below(16);
    if (what < 6) return make();
    if (what < 12) return stdfs::rename(file, renamed(file));
    if (what == 12) return (void)stdfs::remove(file);
    if (what == 13) return write(path + "/cur/.hidden" + std::to_string(below(3)), "x");
    const auto twin = renamed(file);
    if (what == 14 && below(4) == 0 && !stdfs::exists(twin)) return stdfs::create_hard_link(file, twin);
    stdfs::rename(file, file + "x");  // and back again
    stdfs::rename(file + "x", file);
  }
};

}  // namespace

TEST_CASE("an open Maildir that changes is not read again") {
  OpenInbox<CountingFiles> house;
  auto& [folder, calls, account, inbox] = house;
  if (!can_follow(folder.path)) return;
  house.begin_to_follow();
  const int readings = calls.readings;

  deliver(folder.path, "4bXbbbbbbbbb");
  CHECK(seen_by(*inbox).size() == 2);
  REQUIRE(inbox->first_recent(true));  // moves both to cur/
  const Uid third = add(*inbox, suite_mail, seen);
  CHECK(third == 3);
  REQUIRE(inbox->change_flags({&third, 1}, FlagChange::add, flagged, {"$Work"}));
  const auto name = files_in(folder.path + "/cur")[0];
  stdfs::rename(folder.path + "/cur/" + name, folder.path + "/cur/" + name.substr(0, name.find(':')) + ":2,RS");
  const auto now = seen_by(*inbox);
  REQUIRE(now.size() == 3);
  CHECK(now[0].second + now[1].second == (answered | seen));
  CHECK(now[2] == std::pair<Uid, int>{3, seen | flagged});
  REQUIRE(inbox->expunge({&third, 1}));
  CHECK(seen_by(*inbox).size() == 2);
  CHECK(calls.readings == readings);

  // A file that has gone may be one that was renamed just now: the folders say.
  stdfs::remove(folder.path + "/cur/" + files_in(folder.path + "/cur")[0]);
  CHECK(seen_by(*inbox).size() == 1);
  CHECK(calls.readings > readings);
}

TEST_CASE("what is followed is what a reading finds, whatever others do") {
  OpenInbox<UnsyncedFiles> house;
  auto& [folder, calls, account, inbox] = house;
  const auto seed = GENERATE(range(1U, 9U));
  Other other{folder.path, std::mt19937(seed)};
  for (int round = 0; round < 60; ++round) {
    INFO("seed " << seed << ", round " << round);
    for (unsigned i = 0; i <= other.below(6); ++i) other.act();
    if (round % 3 == 0) {
      const auto records = (*inbox->snapshot())->records;
      // Of two files of one message it is open which one we change.
      const bool no_twins = files_in(folder.path + "/new").size() + other.messages_in_cur() == records.size();
      if (!records.empty() && no_twins) {
        const Uid uid = records[other.below(records.size())].uid;
        if (round % 2 == 0) REQUIRE(inbox->change_flags({&uid, 1}, FlagChange::replace, answered, {}));
        if (round % 2 == 1) REQUIRE(inbox->expunge({&uid, 1}));
      }
    }
    (void)seen_by(*inbox);  // of two new files of one message the second look says which is shown
    UnsyncedFiles theirs;   // another process, that reads the folders now
    const auto reader = account_at(folder.path, theirs);
    const auto expected = seen_by(*open_in(*reader, "INBOX"));
    REQUIRE(seen_by(*inbox) == expected);
  }
}

TEST_CASE("more changes than are kept: the folders are read") {
  OpenInbox<UnsyncedFiles> house;
  auto& [folder, calls, account, inbox] = house;
  house.begin_to_follow();
  const auto base = folder.path + "/cur/17.M1P1.h";
  write(base + ":2,", "X: y\n\n");
  for (std::size_t i = 0; i < 2 * NameWatch::most_changes; ++i) {
    stdfs::rename(base + (i % 2 == 0 ? ":2," : ":2,S"), base + (i % 2 == 0 ? ":2,S" : ":2,"));
  }
  stdfs::rename(base + ":2,", base + ":2,T");
  const auto now = seen_by(*inbox);
  REQUIRE(now.size() == 2);
  CHECK(now[1].second == deleted);
}

TEST_CASE("a message that could not be written down is not forgotten") {
  OpenInbox<FaultyFiles> house;
  auto& [folder, calls, account, inbox] = house;
  house.begin_to_follow();
  for (int at = 0; at < 4; ++at) {
    deliver(folder.path, "4bXbbbbbbbb" + std::to_string(at));
    calls.operations = 0;
    calls.fail_at = at;
    (void)inbox->snapshot();
    calls.fail_at = -1;
    CHECK(seen_by(*inbox).size() == static_cast<std::size_t>(at) + 2);
  }
}

TEST_CASE("a message that another process did not find is kept while its file is there") {
  OpenInbox<UnsyncedFiles> house;
  auto& [folder, calls, account, inbox] = house;
  deliver(folder.path, "4bXaaaaaaaaa");
  deliver(folder.path, "4bXbbbbbbbbb");
  REQUIRE(seen_by(*inbox).size() == 2);
  deliver(folder.path, "4bXccccccccc");
  REQUIRE(seen_by(*inbox).size() == 3);  // followed
  const auto file = folder.path + "/new/" + files_in(folder.path + "/new")[2];
  {
    UnsyncedFiles theirs;
    const auto other = account_at(folder.path, theirs);
    stdfs::rename(file, folder.path + "/aside");
    REQUIRE(seen_by(*open_in(*other, "INBOX")).size() == 2);  // writes down that it has gone
    stdfs::rename(folder.path + "/aside", file);
  }
  const auto now = seen_by(*inbox);
  REQUIRE(now.size() == 3);
  CHECK(now[2].first == 4);  // under a UID of its own
}

TEST_CASE("a folder that was moved away and made anew is the mailbox, for whoever opens it then") {
  const auto* part = GENERATE("/cur", "/new");
  const Folder folder;
  const auto before = account_at(folder.path);  // with the calls of the system: such mailboxes stay known
  const auto inbox = open_in(*before, "INBOX");
  deliver(folder.path, "4bXaaaaaaaaa");
  REQUIRE(inbox->first_recent(true));  // to cur/
  deliver(folder.path, "4bXbbbbbbbbb");
  REQUIRE(seen_by(*inbox).size() == 2);
  stdfs::rename(folder.path + part, folder.path + "/away");
  stdfs::copy(folder.path + "/away", folder.path + part);
  stdfs::remove_all(folder.path + "/away");
  CHECK(seen_by(*open_in(*account_at(folder.path), "INBOX")).size() == 2);
  deliver(folder.path, "4bXccccccccc");
  CHECK(seen_by(*open_in(*account_at(folder.path), "INBOX")).size() == 3);
}
