// Copies of many messages: one of them in memory at a time, all or none, with the UIDs that UIDPLUS tells.
#include "common/store/copy.h"

#include <algorithm>
#include <thread>

#include "catch.h"
#include "common/store/memory/account.h"
#include "common/store/memory/mailbox.h"
#include "maildir_house.h"
#include "mbox_house.h"

using namespace facteur;
using namespace facteur::store;

namespace {

/// A mailbox in memory that knows how many of its messages are open, and of which one cannot be read.
class Counted : public MemoryMailbox {
 public:
  explicit Counted() : MemoryMailbox(std::make_shared<MemoryState>(7), false) {}
  Result<std::unique_ptr<Content>> open(Uid uid) override {
    if (uid == broken) return fail(Kind::temporary, "cannot be read");
    auto content = MemoryMailbox::open(uid);
    if (!content) return content;
    most_open = std::max(most_open, ++now_open);
    return std::make_unique<Opened>(*std::move(content), now_open);
  }
  Uid broken = 0;
  int now_open = 0;
  int most_open = 0;

 private:
  struct Opened : Content {
    Opened(std::unique_ptr<Content> c, int& n) : real(std::move(c)), count(n) {}
    ~Opened() override { --count; }
    [[nodiscard]] std::uint64_t size() const override { return real->size(); }
    Result<std::string> read(std::uint64_t offset, std::size_t most) override { return real->read(offset, most); }
    std::unique_ptr<Content> real;
    int& count;
  };
};

std::string letter(int number) {
  std::string text = "Subject: " + std::to_string(number) + "\r\n\r\n";
  for (int i = 0; i < 20000; ++i) text += "line " + std::to_string(i) + " of " + std::to_string(number) + "\r\n";
  return number % 2 != 0 ? text : text + "without an end";
}

/// All messages of a new mailbox of ten into `to`, which has one message already.
void copy_ten(Mailbox& to) {
  add(to, suite_mail);
  Counted from;
  std::vector<Uid> asked;
  for (int i = 1; i <= 10; ++i) asked.push_back(add(from, letter(i), i % 2 != 0 ? seen : flagged, {"kw"}, 1000 + i));
  REQUIRE(from.expunge(std::vector<Uid>{4}));
  const auto copied = copy_octets(from, asked, to);
  REQUIRE(copied);
  CHECK(from.most_open == 1);
  CHECK(from.now_open == 0);
  std::erase(asked, Uid{4});
  CHECK(copied->sources == asked);
  REQUIRE(copied->uids.size() == 9);
  const auto there = now(to);
  CHECK(copied->uid_validity == there->uid_validity);
  REQUIRE(there->records.size() == 10);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto number = static_cast<int>(asked[i]);
    const auto& record = there->records[i + 1];
    CHECK(record.uid == copied->uids[i]);
    CHECK(record.flags == Flags{number % 2 != 0 ? seen : flagged, 1});
    CHECK(record.internal_date == 1000 + number);
    CHECK(content_of(to, record.uid).starts_with(letter(number)));
  }
  // One that cannot be read: nothing is copied.
  from.broken = 7;
  CHECK(copy_octets(from, asked, to).error().kind == Kind::temporary);
  CHECK(now(to)->records.size() == 10);
  CHECK(from.now_open == 0);
}

}  // namespace

TEST_CASE("A copy holds one message in memory, into any mailbox, and is all or none") {
  SECTION("memory") {
    MemoryAccount account;
    copy_ten(*open_in(account, "INBOX"));
  }
  SECTION("Maildir") {
    const Folder folder;
    const auto account = account_at(folder.path + "/Maildir");
    copy_ten(*open_in(*account, "INBOX"));
    CHECK(files_in(folder.path + "/Maildir/tmp").empty());
    CHECK(files_in(folder.path + "/Maildir/cur").size() == 10);
  }
  SECTION("mbox") {
    const Folder folder;
    const auto account = account_at(folder);
    copy_ten(*open_in(*account, "INBOX"));
  }
}

TEST_CASE("Two Maildirs copy to each other at once, message by message") {
  const Folder folder;
  const auto account = account_at(folder.path + "/Maildir");
  REQUIRE(account->create("Other"));
  const auto one = open_in(*account, "INBOX");
  const auto other = open_in(*account, "Other");
  std::vector<Uid> uids;
  for (int i = 1; i <= 20; ++i) uids.push_back(add(*one, letter(i)));
  for (int i = 1; i <= 20; ++i) (void)add(*other, letter(i));
  Result<Appended> other_way;
  std::thread back([&] { other_way = copy_octets(*other, uids, *one); });
  const auto one_way = copy_octets(*one, uids, *other);
  back.join();
  REQUIRE(one_way);
  REQUIRE(other_way);
  CHECK(one_way->uids.size() == 20);
  CHECK(other_way->uids.size() == 20);
  CHECK(now(*one)->records.size() == 40);
  CHECK(now(*other)->records.size() == 40);
}

TEST_CASE("An mbox copies to itself, and is what it was when that fails at any point (RFC 3501 section 6.4.7)") {
  const std::string mbox = pseudo + three + "\n\n";
  const auto fill = [&](const Folder& folder) { write(folder.path + "/mbox", mbox); };
  {
    const Folder folder;
    fill(folder);
    const auto account = account_at(folder);
    const auto inbox = open_in(*account, "INBOX");
    const auto before = now(*inbox);
    REQUIRE(before->records.size() == 3);
    const std::vector<Uid> asked{before->records[0].uid, before->records[2].uid + 9, before->records[2].uid};
    const auto copied = inbox->copy(asked, *inbox);
    REQUIRE(copied);
    CHECK(copied->sources == std::vector<Uid>{asked[0], asked[2]});
    REQUIRE(copied->uids.size() == 2);
    const auto after = now(*inbox);
    REQUIRE(after->records.size() == 5);
    for (const int i : {0, 1}) {
      const auto& source = before->records[i == 0 ? 0 : 2];
      const auto& copy = after->records[static_cast<std::size_t>(3 + i)];
      CHECK(copy.uid == copied->uids[static_cast<std::size_t>(i)]);
      CHECK(copy.uid >= before->uid_next);
      CHECK(copy.flags == source.flags);
      CHECK(copy.internal_date == source.internal_date);
      CHECK(content_of(*inbox, copy.uid) == content_of(*inbox, source.uid));
    }
    // MOVE into itself removes the old ones alone.
    REQUIRE(inbox->expunge(copied->sources));
    CHECK(now(*inbox)->records.size() == 3);
    CHECK(account->open("INBOX", true).value()->copy(asked, *inbox)->uids.empty());
  }
  for (int fail_at = 0;; ++fail_at) {
    const Folder folder;
    fill(folder);
    FaultyFiles files;
    const auto account = account_at(folder, files);
    const auto inbox = open_in(*account, "INBOX");
    const auto uids = std::vector<Uid>{now(*inbox)->records[0].uid, now(*inbox)->records[1].uid};
    files.operations = 0;
    files.fail_at = fail_at;
    const auto copied = inbox->copy(uids, *inbox);
    const bool reached = files.operations > fail_at;
    files.fail_at = -1;
    CAPTURE(fail_at);
    if (!copied) CHECK(read(folder.path + "/mbox") == mbox);
    std::filesystem::remove(folder.path + "/mbox.lock");  // its removal may be what failed
    CHECK(now(*inbox)->records.size() == (copied ? 5 : 3));
    if (!reached) break;
  }
}
