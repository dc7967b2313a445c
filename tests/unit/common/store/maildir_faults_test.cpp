// A Maildir whose files other programs change, and one whose file system fails.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>

#include "common/store/flags.h"
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

TEST_CASE("IMP-25: what other programs do is seen, and nothing is shown that is not there") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  std::vector<Uid> uids;
  for (int i = 0; i < 5; ++i) uids.push_back(add(*inbox, suite_mail + std::to_string(i)));
  const auto before = now(*inbox);
  const auto files = files_in(folder.path + "/cur");
  const auto path = folder.path + "/cur/";
  std::filesystem::rename(path + files[0], path + files[0] + "FS");
  std::filesystem::remove(path + files[1]);
  std::filesystem::rename(path + files[2], folder.path + "/new/" + files[2].substr(0, files[2].find(':')));
  write(folder.path + "/new/1700000000.foreign", "From: x\n\nforeign\n");
  const auto after = now(*inbox);
  const auto changes = diff(*before, *after);
  CHECK(changes.expunged == std::vector<std::uint32_t>{2});
  CHECK(changes.flags == std::vector<std::uint32_t>{1});
  CHECK(changes.added == 1);
  CHECK(after->records[0].modseq > before->records[0].modseq);
  CHECK(after->records.back().size == 20);
  CHECK(content_of(*inbox, after->records.back().uid) == "From: x\r\n\r\nforeign\r\n");
  CHECK(content_of(*inbox, uids[2]) == suite_mail + "2");
  CHECK(inbox->open(uids[1]).error().kind == Kind::permanent);
  // Renamed and removed behind our back, between the look and the act.
  std::filesystem::rename(path + files[3], path + files[3] + "R");
  std::filesystem::remove(path + files[4]);
  REQUIRE(inbox->change_flags(uids, FlagChange::add, seen, {}));
  CHECK(now(*inbox)->records[2].flags.system == (answered | seen));
  CHECK(*inbox->expunge(uids) == std::vector<Uid>{uids[0], uids[2], uids[3]});
  // A name that comes back is another message.
  write(path + files[1], "back\n");
  CHECK(now(*inbox)->records.back().uid >= after->uid_next);
}

TEST_CASE("sizes are those of the octets, whatever the names say") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto path = folder.path + "/new/";
  write(path + "1.a.h,S=8,W=9", "A: 1\n\nb\n");
  write(path + "2.a.h,S=8,W=16", "A: 2\n\nb\n");
  write(path + "3.a.h,S=8,W=11", "A: 3\n\nb\n");
  write(path + "4.a.h,S=3,W=4", "A: 4\n\nb\n");
  const auto snapshot = now(*open_in(*account, "INBOX"));
  REQUIRE(snapshot->records.size() == 4);
  for (const auto& record : snapshot->records) CHECK(record.size == 11);
}

TEST_CASE("MDR-03: what is no message is passed over, and nothing hangs") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto path = folder.path + "/new/";
  write(path + "with\nnewline", "x");
  write(path + ".hidden", "x");
  write(path + std::string(255, 'l'), "long\n");
  write(path + "bad\xff\xfe", "8bit\n");
  write(path + "size,S=99999999999", "a\nb\n");
  write(path + "wire,S=4,W=-1", "a\nb\n");
  write(path + "lies,S=4,W=4000000", "a\nb\n");
  write(path + "flags:2,ZZ", "x\n");
  write(path + "unreadable", "x\n");
  ::chmod((path + "unreadable").c_str(), 0);
  REQUIRE(::mkfifo((path + "fifo").c_str(), 0600) == 0);
  std::filesystem::create_directory(path + "directory");
  std::filesystem::create_symlink("/etc/passwd", path + "link");
  write(path + "target", "x\n");
  std::filesystem::create_hard_link(path + "target", path + "hardlink");
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (path + "socket").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  {
    std::ofstream(path + "sparse");
  }
  std::filesystem::resize_file(path + "sparse", 64 << 20);

  const auto inbox = open_in(*account, "INBOX");
  const auto snapshot = now(*inbox);
  const std::size_t expected = ::geteuid() == 0 ? 9 : 8;  // root reads what has mode 000
  CHECK(snapshot->records.size() >= 8);
  CHECK(snapshot->records.size() <= expected + 1);
  for (const auto& record : snapshot->records) {
    auto content = inbox->open(record.uid);
    REQUIRE(content);
    CHECK((*content)->size() == record.size);
    std::uint64_t total = 0;
    for (;;) {
      const auto part = (*content)->read(total, 1 << 20);
      REQUIRE(part);
      if (part->empty()) break;
      total += part->size();
    }
    CHECK(total == record.size);
  }
  CHECK(inbox->summary(snapshot->records.front().uid));
  CHECK(now(*inbox) == snapshot);
}

TEST_CASE("an append that fails at any point leaves nothing and says so") {
  for (int fault = 0; fault < 40; ++fault) {
    const Folder folder;
    FaultyFiles files;
    const auto account = account_at(folder.path, files);
    const auto inbox = open_in(*account, "INBOX");
    add(*inbox, "old\r\n");
    const int before = files.operations;
    files.fail_at = before + fault;
    const std::vector<NewMessage> messages{{suite_mail, seen, {"new"}, 5}, {"two\r\n", 0, {}, 0}};
    const auto appended = inbox->append(messages);
    const bool reached = files.operations > files.fail_at;
    files.fail_at = -1;
    const auto other = account_at(folder.path);
    const auto there = now(*open_in(*other, "INBOX"));
    if (appended) {
      CHECK(there->records.size() == 3);
    } else {
      CHECK(appended.error().kind == Kind::temporary);
      CHECK(there->records.size() == 1);
      CHECK(files_in(folder.path + "/cur").size() == 1);
    }
    CHECK(files_in(folder.path + "/tmp").empty());
    CHECK(now(*inbox)->records == there->records);
    if (!reached) break;
  }
}

TEST_CASE("flags and expunge that fail are told, and the mailbox is what its files say") {
  for (int fault = 0; fault < 20; ++fault) {
    const Folder folder;
    FaultyFiles files;
    files.errno_value = EIO;
    const auto account = account_at(folder.path, files);
    const auto inbox = open_in(*account, "INBOX");
    const std::vector<Uid> uids{add(*inbox, suite_mail), add(*inbox, suite_mail), add(*inbox, suite_mail)};
    files.fail_at = files.operations + fault;
    (void)inbox->change_flags(uids, FlagChange::add, seen, {"kw"});
    (void)inbox->expunge({uids.data(), 2});
    files.fail_at = -1;
    const auto mine = now(*inbox);
    const auto other = account_at(folder.path);
    const auto theirs = now(*open_in(*other, "INBOX"));
    CHECK(uids_of(*mine) == uids_of(*theirs));
    CHECK(files_in(folder.path + "/cur").size() == mine->records.size());
    CHECK(find(*mine, uids[2]) != nullptr);
  }
}

TEST_CASE("a session whose mailbox has lost its UIDs removes and flags nothing by the old ones") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  const auto first = add(*inbox, "A: 1\r\n\r\n");
  const auto second = add(*inbox, "B: 2\r\n\r\n");
  add(*inbox, "C: 3\r\n\r\n");
  REQUIRE(inbox->expunge({&first, 1}));
  const auto other = open_in(*account, "INBOX");
  const auto before = now(*other);
  std::filesystem::remove(folder.path + "/facteur-uids");
  // What was message 3 has the UID 2 now.
  for (const auto* session : {&inbox, &other}) {
    CHECK((*session)->expunge({&second, 1}).error().kind == Kind::corrupt);
    CHECK((*session)->change_flags({&second, 1}, FlagChange::add, deleted, {}).error().kind == Kind::corrupt);
    CHECK((*session)->copy({&second, 1}, **session).error().kind == Kind::corrupt);
  }
  const auto anew = open_in(*account, "INBOX");
  CHECK(now(*anew)->uid_validity > before->uid_validity);
  REQUIRE(now(*anew)->records.size() == 2);
  CHECK(content_of(*anew, now(*anew)->records[1].uid) == "C: 3\r\n\r\n");
  CHECK(anew->expunge({&second, 1}));
  CHECK(now(*anew)->records.size() == 1);
}
