#include "common/store/maildir_account.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <random>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

#include "common/store/flags.h"
#include "common/store/maildir_delivery.h"
#include "disk.h"
#include "mailbox_suite.h"

using namespace facteur;
using namespace facteur::store;

namespace {

std::unique_ptr<Account> account_at(const std::string& path, fs::Files& files = fs::system_files()) {
  auto account = MaildirAccount::open_root(path, {.host = "host.example.test", .files = &files, .index = nullptr});
  INFO((account ? std::string() : account.error().text));
  REQUIRE(account);
  return *std::move(account);
}

std::vector<std::string> files_in(const std::string& path) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(path)) out.push_back(entry.path().filename());
  std::ranges::sort(out);
  return out;
}

}  // namespace

TEST_CASE("a Maildir keeps the promises of a mailbox, to sessions of one process") {
  run_mailbox_suite([] {
    const auto folder = std::make_shared<Folder>();
    return SuiteSubject{.session = [folder] { return account_at(folder->path + "/Maildir"); }};
  });
}

TEST_CASE("a Maildir keeps the promises of a mailbox, to sessions of several processes") {
  run_mailbox_suite([] {
    const auto folder = std::make_shared<Folder>();
    // Each its own fs::Files: cores are shared only among those that have the same.
    const auto files = std::make_shared<std::vector<std::unique_ptr<fs::Files>>>();
    return SuiteSubject{.session = [folder, files] {
      files->push_back(std::make_unique<fs::Files>());
      return account_at(folder->path + "/Maildir", *files->back());
    }};
  });
}

TEST_CASE("files are named as Maildir wants it, and hold LF") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  const Uid uid = add(*inbox, suite_mail, seen | draft);
  auto files = files_in(folder.path + "/cur");
  REQUIRE(files.size() == 1);
  CHECK(files[0].ends_with(",S=" + std::to_string(to_lf(suite_mail).size()) +
                           ",W=" + std::to_string(suite_mail.size()) + ":2,DS"));
  CHECK(read(folder.path + "/cur/" + files[0]) == to_lf(suite_mail));
  REQUIRE(inbox->change_flags({&uid, 1}, FlagChange::replace, answered | flagged | deleted, {}));
  CHECK(files_in(folder.path + "/cur")[0].ends_with(":2,FRT"));
  CHECK(files_in(folder.path + "/tmp").empty());
  // Letters that are not ours stay.
  const auto name = files_in(folder.path + "/cur")[0];
  std::filesystem::rename(folder.path + "/cur/" + name, folder.path + "/cur/" + name + "Pa");
  REQUIRE(inbox->change_flags({&uid, 1}, FlagChange::add, seen, {}));
  CHECK(files_in(folder.path + "/cur")[0].ends_with(":2,FPRSTa"));
}

TEST_CASE("mail that is delivered gets UIDs in the order of its arrival, and leaves new/ when it was seen") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  const auto delivery = MaildirDelivery::open(folder.path, "h");
  REQUIRE(delivery);
  for (int i = 9; i >= 0; --i) {
    const auto text = "X: " + std::to_string(i) + "\r\n\r\n";
    ViewContent content(text);
    REQUIRE((*delivery)->deliver({.headers = "",
                                  .message = &content,
                                  .reverse_path = "",
                                  .queue_id = "id" + std::to_string(i),
                                  .recipient = 1,
                                  .arrival = 1700000000 + i,
                                  .first_attempt = true}));
  }
  CHECK(account->status("INBOX")->recent == 10);
  CHECK(account->list()->front().recent);
  const auto snapshot = now(*inbox);
  REQUIRE(snapshot->records.size() == 10);
  for (Uid i = 0; i < 10; ++i)
    CHECK(content_of(*inbox, snapshot->records[i].uid) == "X: " + std::to_string(i) + "\r\n\r\n");
  CHECK(files_in(folder.path + "/new").size() == 10);
  CHECK(*inbox->first_recent(true) == 1);
  CHECK(files_in(folder.path + "/new").empty());
  CHECK(files_in(folder.path + "/cur").front().ends_with(":2,"));
  CHECK(now(*inbox)->records == snapshot->records);
  CHECK(inbox->status()->recent == 0);
}

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

TEST_CASE("UIDs are kept without the index, and by the file facteur-uids alone") {
  const Folder folder;
  std::vector<Uid> uids;
  std::uint32_t validity = 0;
  {
    const auto account = account_at(folder.path);
    const auto inbox = open_in(*account, "INBOX");
    for (int i = 0; i < 20; ++i) add(*inbox, suite_mail);
    uids = uids_of(*now(*inbox));
    validity = now(*inbox)->uid_validity;
  }
  {
    const auto account = account_at(folder.path);
    CHECK(uids_of(*now(*open_in(*account, "INBOX"))) == uids);
  }
  std::filesystem::remove(folder.path + "/facteur-uids");
  const auto account = account_at(folder.path);
  CHECK(now(*open_in(*account, "INBOX"))->uid_validity > validity);
}

TEST_CASE("who comes from Dovecot keeps UIDs, keywords and subscriptions") {
  const Folder folder;
  for (const char* part : {"new", "cur", "tmp", ".Sent", ".Sent/new", ".Sent/cur", ".Sent/tmp"}) {
    std::filesystem::create_directory(folder.path + "/" + part);
  }
  write(folder.path + "/cur/1600000000.M1P1.h,S=4,W=5:2,Sab", "one\n");
  write(folder.path + "/cur/1600000001.M1P1.h,S=4,W=5:2,c", "two\n");
  write(folder.path + "/new/1600000002.M1P1.h,S=6", "three\n");
  write(folder.path + "/cur/1600000003.unlisted:2,b", "four\n");
  write(folder.path + "/dovecot-uidlist",
        "3 V1275660208 N25030 G3085f01b7f11094c501100008c4a11c1\n"
        "25006 :1600000000.M1P1.h,S=4,W=5\n"
        "25010 W5 :1600000001.M1P1.h,S=4,W=5:2,S\n"
        "25011 :1599999999.gone\n"
        "25013 :1600000002.M1P1.h,S=6\n");
  write(folder.path + "/dovecot-keywords", "0 $Forwarded\n1 Work\n");
  write(folder.path + "/.Sent/dovecot-uidlist", "1 99 7\n3 1600000000.sent\n");
  write(folder.path + "/.Sent/cur/1600000000.sent:2,S", "sent\n");
  write(folder.path + "/subscriptions", "V\t2\n\nSent\nEntw&APw-rfe\tdeep\n");

  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  const auto snapshot = now(*inbox);
  CHECK(snapshot->uid_validity == 1275660208);
  CHECK(uids_of(*snapshot) == std::vector<Uid>{25006, 25010, 25013, 25030});
  CHECK(snapshot->keywords == std::vector<std::string>{"$Forwarded", "Work"});
  CHECK(snapshot->records[0].flags == Flags{seen, 3});
  CHECK(snapshot->records[1].flags == Flags{0, 0});
  CHECK(snapshot->records[3].flags == Flags{0, 2});
  CHECK(snapshot->records[2].size == 7);
  CHECK(inbox->status()->recent == 2);
  const auto sent = now(*open_in(*account, "Sent"));
  CHECK(sent->uid_validity == 99);
  CHECK(uids_of(*sent) == std::vector<Uid>{3});
  CHECK(sent->uid_next == 7);
  CHECK(*account->subscriptions() == std::vector<std::string>{"Entw\xc3\xbcrfe/deep", "Sent"});
}

TEST_CASE("folders are those of Maildir++, and others are not shown") {
  const Folder folder;
  const auto account = account_at(folder.path);
  REQUIRE(account->create("Entw\xc3\xbcrfe/Sub & more"));
  CHECK(std::filesystem::exists(folder.path + "/.Entw&APw-rfe.Sub &- more/cur"));
  CHECK(std::filesystem::exists(folder.path + "/.Entw&APw-rfe.Sub &- more/maildirfolder"));
  for (const char* name : {".NoCur", "..", "..facteur-removed.x/cur", ".a..b/cur", ".INBOX/cur", ".inbox/cur",
                           ".bad&AGE-/cur", ".lone&2AA-/cur", ".slash&AC8-/cur", ".new/cur", "plain/cur"}) {
    std::filesystem::create_directories(folder.path + "/" + name);
  }
  std::filesystem::create_directory_symlink("/tmp", folder.path + "/.Linked");
  CHECK(names_of(*account) == std::set<std::string>{"INBOX", "Entw\xc3\xbcrfe/Sub & more"});
  for (const char* name : {"a.b", "a/b.c", "NoCur", "Linked", "new"}) {
    CHECK(account->open(name, false).error().kind == Kind::permanent);
  }
  CHECK(account->create("a.b").error().kind == Kind::permanent);
  CHECK(account->create(std::string(255, 'n')).error().kind == Kind::permanent);
  CHECK(account->create(std::string(254, 'n')));
  // Left half-made by a crash.
  CHECK(account->create("NoCur"));
  CHECK(account->open("NoCur", false));
  // A deleted mailbox leaves nothing behind, and who has it open hears of it.
  const auto open = open_in(*account, "NoCur");
  add(*open, suite_mail);
  REQUIRE(account->remove("NoCur"));
  CHECK_FALSE(open->snapshot());
  CHECK_FALSE(open->status());
  const auto left = files_in(folder.path);
  CHECK(std::ranges::none_of(left, [](const auto& name) { return name.starts_with("..facteur"); }));
}

TEST_CASE("IMP-20: of many sessions that create one mailbox, one does") {
  const Folder folder;
  const auto account = account_at(folder.path);
  std::atomic<int> created{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      const auto mine = MaildirAccount::open_root(folder.path, {});
      if (mine && (*mine)->create("One")) ++created;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(created >= 1);
  CHECK(account->open("One", false));
  CHECK(now(*open_in(*account, "One"))->records.empty());
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

TEST_CASE("MDR-07, IMP-22: sessions of several processes change one mailbox at once") {
  const Folder folder;
  constexpr int workers = 4;
  constexpr int rounds = 60;
  std::vector<std::thread> threads;
  std::atomic<int> errors{0};
  std::atomic<int> expunged{0};
  (void)account_at(folder.path);
  for (int worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&, worker] {
      UnsyncedFiles files;
      auto account = MaildirAccount::open_root(folder.path, {.host = "h", .files = &files, .index = nullptr});
      auto opened = (*account)->open("INBOX", false);
      auto& inbox = **opened;
      std::mt19937 random(static_cast<unsigned>(worker));
      std::shared_ptr<const Snapshot> last;
      std::map<Uid, std::string> contents;
      for (int i = 0; i < rounds; ++i) {
        const auto text = "W: " + std::to_string(worker) + "." + std::to_string(i) + "\r\n\r\n";
        const NewMessage message{text, 0, {}, 0};
        const auto appended = inbox.append({&message, 1});
        if (appended) contents[appended->uids[0]] = text;
        const auto snapshot = inbox.snapshot();
        if (!appended || !snapshot) {
          ++errors;
          continue;
        }
        if (last) {
          // What stays keeps its order, what comes stands behind.
          const auto changes = diff(*last, **snapshot);
          auto expected = uids_of(*last);
          for (const auto number : changes.expunged) expected.erase(expected.begin() + number - 1);
          auto there = uids_of(**snapshot);
          there.resize(there.size() - changes.added);
          if (there != expected) ++errors;
        }
        last = *snapshot;
        const auto& records = (*snapshot)->records;
        const Uid uid = records[random() % records.size()].uid;
        if (random() % 2 == 0) {
          if (!inbox.change_flags({&uid, 1}, FlagChange::add, seen, {"k" + std::to_string(worker)})) ++errors;
        } else if (const auto gone = inbox.expunge({&uid, 1})) {
          expunged += static_cast<int>(gone->size());
        } else {
          ++errors;
        }
        for (const auto& [mine, octets] : contents) {
          const auto content = inbox.open(mine);
          if (content && *read_all(**content) != octets) ++errors;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(errors == 0);
  const auto account = account_at(folder.path);
  const auto end = now(*open_in(*account, "INBOX"));
  CHECK(end->records.size() == static_cast<std::size_t>(workers * rounds - expunged));
  CHECK(files_in(folder.path + "/cur").size() == end->records.size());
}

TEST_CASE("KIL-03: a session that is killed anywhere leaves a mailbox that goes on") {
  const Folder folder;
  std::map<Uid, std::string> told;
  for (int round = 0; round < 12; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const auto account = MaildirAccount::open_root(folder.path, {});
      const auto inbox = (*account)->open("INBOX", false);
      for (int i = 0;; ++i) {
        const auto text = "R: " + std::to_string(round) + "." + std::to_string(i);
        const NewMessage message{text, 0, {"kw"}, 0};
        const auto appended = (*inbox)->append({&message, 1});
        if (!appended) ::_exit(1);
        const auto line = std::to_string(appended->uids[0]) + " " + text + "\n";
        if (::write(ends[1], line.data(), line.size()) < 0) ::_exit(1);
        (void)(*inbox)->change_flags(appended->uids, FlagChange::add, seen, {});
      }
    }
    ::close(ends[1]);
    pause_for(Milliseconds{10 + 5 * round});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    std::string lines;
    char buffer[4096];
    for (ssize_t count; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      lines.append(buffer, static_cast<std::size_t>(count));
    ::close(ends[0]);
    for (const auto line : split(lines, '\n')) {
      const auto space = line.find(' ');
      if (space == std::string_view::npos) continue;
      const auto uid = static_cast<Uid>(std::stoul(std::string(line.substr(0, space))));
      CHECK_FALSE(told.contains(uid));
      told[uid] = line.substr(space + 1);
    }
  }
  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  CHECK(now(*inbox)->records.size() >= told.size());
  for (const auto& [uid, text] : told) CHECK(content_of(*inbox, uid) == text);
}

TEST_CASE("a folder of many messages is read without opening one of them", "[.slow]") {
  struct Counting : UnsyncedFiles {
    int opened = 0;
    Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
      ++opened;
      return Files::open(directory, path, flags, mode);
    }
  } files;
  const Folder folder;
  const auto account = account_at(folder.path, files);
  constexpr int count = 100000;
  for (int i = 0; i < count; ++i) {
    const auto name = folder.path + "/cur/" + std::to_string(1600000000 + i) + ".M1P1.h,S=2,W=3:2,S";
    const Fd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(fd.get(), "x\n", 2) == 2);
  }
  const auto timed = [&](const char* what, auto act) {
    const auto start = monotonic_now();
    act();
    WARN(what << ": " << std::chrono::duration_cast<Milliseconds>(monotonic_now() - start).count() << " ms");
  };
  files.opened = 0;
  auto inbox = open_in(*account, "INBOX");
  timed("first snapshot", [&] { CHECK(now(*inbox)->records.size() == count); });
  CHECK(files.opened < 20);
  pause_for(Milliseconds{200});
  timed("again, settling", [&] { (void)now(*inbox); });
  timed("again, unchanged", [&] { (void)now(*inbox); });
  const Uid uid = 500;
  timed("one flag", [&] { REQUIRE(inbox->change_flags({&uid, 1}, FlagChange::add, answered, {})); });
  timed("snapshot after it", [&] { (void)now(*inbox); });
  inbox.reset();
  inbox = open_in(*account, "INBOX");
  timed("second opening", [&] { CHECK(now(*inbox)->records.size() == count); });
}
