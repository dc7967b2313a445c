#include <csignal>
#include <random>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <thread>

#include "common/store/mbox_account.h"
#include "common/store/mbox_from.h"
#include "disk.h"
#include "mailbox_suite.h"

using namespace facteur;
using namespace facteur::store;

namespace {

/// A folder of others, as /var/mail is: no file can be made beside the mbox.
template <class Base>
struct ForeignFolder : Base {
  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    const bool beside = path.ends_with(".facteur-new") || path.ends_with(".lock");
    if (beside && path.find("mbox") != std::string::npos) return fail_errno("open " + path, EACCES);
    return Base::open(directory, path, flags, mode);
  }
};

MboxLockOptions waiting(Milliseconds wait, MboxLockOrder order = MboxLockOrder::fcntl_then_dotlock) {
  MboxLockOptions options;
  options.order = order;
  options.wait = wait;
  return options;
}

std::unique_ptr<Account> account_at(const Folder& folder, fs::Files& files = fs::system_files(),
                                    Milliseconds wait = Milliseconds{10000}) {
  auto account = MboxAccount::open_file(folder.path + "/mbox", folder.path + "/state",
                                        {.files = &files, .lock = waiting(wait), .index = nullptr});
  INFO((account ? std::string() : account.error().text));
  REQUIRE(account);
  return *std::move(account);
}

const std::string pseudo =
    "From MAILER-DAEMON Sun Nov 22 10:00:00 2026\n"
    "Date: 22 Nov 2026 10:00:00 +0000\n"
    "From: Mail System Internal Data <MAILER-DAEMON@host>\n"
    "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
    "X-IMAP: 1152643200 0000000042\n"
    "Status: RO\n"
    "\n"
    "This text is part of the internal format of your mail folder.\n"
    "\n";

const std::string three =
    "From a@example.test Sun Nov 22 10:00:01 2026\n"
    "Subject: one\n"
    "X-UID: 40\n"
    "Status: RO\n"
    "X-Status: AF\n"
    "X-Keywords: Work later    \n"
    "\n"
    "first\n"
    ">From the quoted\n"
    ">>From more\n"
    "From here on there is prose.\n"
    "\n"
    "From that on too.\n"
    "\n"
    "From b@example.test  Sun, 22 Nov 2026 10:00:02 +0100\n"
    "Subject: two\n"
    "Content-Length: 999999\n"
    "X-UID: 42\n"
    "\n"
    "second\n"
    "\n"
    "\n"
    "From c@example.test Sun Nov 22 10:00 2026\n"
    "Subject: three\n"
    "\n"
    "third without end";

void deliver(const std::string& path, std::string_view octets, fs::Files& files = fs::system_files()) {
  MboxDelivery delivery(path, {}, files);
  ViewContent content(octets);
  REQUIRE(delivery.deliver({.headers = "Return-Path: <s@x>\r\n",
                            .message = &content,
                            .reverse_path = "s@x",
                            .queue_id = "q",
                            .recipient = 1,
                            .arrival = 1700000000,
                            .first_attempt = true}));
}

std::vector<std::string> contents_of(Mailbox& mailbox) {
  std::vector<std::string> out;
  for (const auto& record : now(mailbox)->records) out.push_back(content_of(mailbox, record.uid));
  return out;
}

}  // namespace

TEST_CASE("an mbox keeps the promises of a mailbox") {
  run_mailbox_suite([] {
    const auto folder = std::make_shared<Folder>();
    return SuiteSubject{.session = [folder] { return account_at(*folder); }, .folders = false};
  });
}

TEST_CASE("an mbox in a folder of others keeps them too") {
  run_mailbox_suite([] {
    const auto folder = std::make_shared<Folder>();
    const auto files = std::make_shared<ForeignFolder<UnsyncedFiles>>();
    return SuiteSubject{.session = [folder, files] { return account_at(*folder, *files); }, .folders = false};
  });
}

TEST_CASE("From_ lines of every dialect are known, and prose is not") {
  for (const char* line :
       {"From a@b Sun Nov 22 13:05:09 2026", "From a@b  Sun Nov  1 13:05 2026", "From Sun Nov 22 13:05:09 2026",
        "From a b Sun Nov 22 13:05:09 2026", "From a@b Sun, 22 Nov 2026 13:05:09 +0100",
        "From a@b Sun Nov 22 13:05:09 UTC 2026", "From \"x y\"@b Sun Nov 22 13:05:09 2026 remote from host"}) {
    INFO(line);
    CHECK(parse_from_line(line));
  }
  CHECK(parse_from_line("From a@b Sun, 22 Nov 2026 13:05:09 +0100") == 1795349109);
  CHECK(parse_from_line(trim(from_line("a@b", 1700000000))) == 1700000000);
  CHECK(from_line("", 0).starts_with("From MAILER-DAEMON Thu Jan  1 "));
  CHECK(from_line("a b\nFrom x", 0).find(' ', 5) == 5 + std::string("a_b_From_x").size());
  for (const char* line : {"From here on", "From a@b", "From a@b Sun Nov 22 2026", "From a@b Sun Nov 22 25:05:09 2026",
                           "From", "From ", "from a@b Sun Nov 22 13:05:09 2026", ">From a@b Sun Nov 22 13:05:09 2026",
                           "From Sunday in November at 13:05 it rains"}) {
    INFO(line);
    CHECK_FALSE(parse_from_line(line));
  }
}

TEST_CASE("an mbox of other programs is read: pseudo-message hidden, UIDs, flags, quoting, no last line end") {
  const Folder folder;
  write(folder.path + "/mbox", pseudo + three);
  const auto account = account_at(folder);
  const auto inbox = open_in(*account, "INBOX");
  const auto snapshot = now(*inbox);
  REQUIRE(snapshot->records.size() == 3);
  CHECK(snapshot->uid_validity == 1152643200);
  CHECK(uids_of(*snapshot) == std::vector<Uid>{40, 42, 43});
  CHECK(snapshot->records[0].flags == Flags{seen | answered | flagged, 3});
  CHECK(snapshot->keywords == std::vector<std::string>{"Work", "later"});
  CHECK(snapshot->records[1].internal_date == 1795338002);
  CHECK(content_of(*inbox, 40) ==
        "Subject: one\r\n\r\nfirst\r\nFrom the quoted\r\n>From more\r\nFrom here on there is prose.\r\n\r\n"
        "From that on too.\r\n");
  CHECK(content_of(*inbox, 42) == "Subject: two\r\nContent-Length: 999999\r\n\r\nsecond\r\n\r\n");
  CHECK(content_of(*inbox, 43) == "Subject: three\r\n\r\nthird without end");
  for (const auto& record : snapshot->records) CHECK(record.size == content_of(*inbox, record.uid).size());
  // Reading changes nothing.
  CHECK(read(folder.path + "/mbox") == pseudo + three);

  // The pseudo-message is kept by every change.
  const std::vector<Uid> uids{40, 43};
  CHECK(*inbox->expunge(uids) == uids);
  CHECK(read(folder.path + "/mbox").starts_with(pseudo));
  CHECK(uids_of(*now(*inbox)) == std::vector<Uid>{42});
  REQUIRE(inbox->change_flags(std::vector<Uid>{42}, FlagChange::add, deleted | seen, {"kw"}));
  const auto octets = read(folder.path + "/mbox");
  CHECK(octets.starts_with(pseudo));
  CHECK(octets.find("Content-Length: 999999\nX-UID: 42\nStatus: RO\nX-Status: D\nX-Keywords: kw\n\nsecond\n\n\n") !=
        std::string::npos);
  REQUIRE(inbox->expunge(std::vector<Uid>{42}));
  CHECK(read(folder.path + "/mbox") == pseudo);
}

TEST_CASE("MBX-02: what mail from outside says of its status is taken out, and lines are quoted") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  deliver(path,
          "Subject: x\r\nStatus: RO\r\nX-UID: 7\r\nx-imapbase: 1 2\r\n folded\r\nContent-Length: 3\r\nX-IMAP: 1 "
          "1\r\nX-Keep: y\r\n"
          "\r\nFrom s@x Sun Nov 22 13:05:09 2026\r\nStatus: body\r\n>From q\r\nno end");
  CHECK(read(path) ==
        from_line("s@x", 1700000000) +
            "Return-Path: <s@x>\nSubject: x\nX-Keep: y\n\n>From s@x Sun Nov 22 13:05:09 2026\nStatus: body\n"
            ">>From q\nno end\n\n");
  deliver(path, "Subject: y\r\n\r\n");
  const auto account = account_at(folder);
  const auto inbox = open_in(*account, "INBOX");
  const auto snapshot = now(*inbox);
  REQUIRE(snapshot->records.size() == 2);
  CHECK(snapshot->records[0].flags == Flags{});
  CHECK(snapshot->records[0].uid == 1);
  CHECK(content_of(*inbox, 1).ends_with(
      "\r\n\r\nFrom s@x Sun Nov 22 13:05:09 2026\r\nStatus: body\r\n>From q\r\nno end\r\n"));
  CHECK(content_of(*inbox, 2) == "Return-Path: <s@x>\r\nSubject: y\r\n\r\n");
}

TEST_CASE("MBX-03: damaged files are read as far as they go, and nothing is thrown away") {
  const std::vector<std::pair<std::string, std::size_t>> cases{{"", 0},
                                                               {"garbage first\n\n" + three, 3},
                                                               {std::string(4096, '\0') + "\n\n" + three, 3},
                                                               {three.substr(0, 60), 1},
                                                               {three.substr(0, 30), 0},
                                                               {three + "\n\nFrom x@y Sun Nov 22 13:05", 3},
                                                               {"From x@y Sun Nov 22 13:05:09 2026", 1},
                                                               {"From x@y Sun Nov 22 13:05:09 2026\n", 1},
                                                               {"\n\n\n", 0},
                                                               {"no mbox at all\nSubject: x\n", 0}};
  for (const auto& [octets, count] : cases) {
    const Folder folder;
    const auto path = folder.path + "/mbox";
    write(path, octets);
    const auto account = account_at(folder);
    const auto inbox = open_in(*account, "INBOX");
    const auto before = contents_of(*inbox);
    CHECK(before.size() == count);
    deliver(path, "Subject: new\r\n\r\nnew\r\n");
    const auto after = contents_of(*inbox);
    REQUIRE(after.size() == count + 1);
    CHECK(after.back() == "Return-Path: <s@x>\r\nSubject: new\r\n\r\nnew\r\n");
    CHECK(read(path).starts_with(octets));
    // What is no message stays when messages go.
    REQUIRE(inbox->expunge(uids_of(*now(*inbox))));
    const auto begin = octets.find("From ");
    CHECK(read(path).starts_with(count > 0 ? octets.substr(0, begin) : octets));
  }
}

TEST_CASE("MBX-04: a delivery that fails is cut back, and old mail stays") {
  for (const int number : {ENOSPC, EFBIG, EDQUOT, EIO}) {
    for (int fault = 0; fault < 6; ++fault) {
      const Folder folder;
      const auto path = folder.path + "/mbox";
      write(path, three);
      FaultyFiles files;
      files.fail_at = fault;
      files.errno_value = number;
      MboxDelivery delivery(path, {}, files);
      ViewContent content("Subject: x\r\n\r\nnew\r\n");
      const auto delivered = delivery.deliver({.headers = {},
                                               .message = &content,
                                               .reverse_path = "a@b",
                                               .queue_id = "q",
                                               .recipient = 1,
                                               .arrival = 1,
                                               .first_attempt = true});
      const auto octets = read(path);
      if (delivered) {
        CHECK(octets.size() > three.size());
      } else {
        CHECK(delivered.error().kind == Kind::temporary);
        CHECK(octets == three);
      }
      CHECK(octets.starts_with(three));
      if (fault != files.operations - 1) CHECK_FALSE(std::filesystem::exists(path + ".lock"));
    }
  }
}

TEST_CASE("MBX-06: a rewrite that fails at any point loses no message") {
  const auto run = [](auto files, bool in_place) {
    for (int fault = 0; fault < 16; ++fault) {
      const Folder folder;
      const auto path = folder.path + "/mbox";
      write(path, pseudo + three + "\n\n");
      const auto account = account_at(folder, files);
      const auto inbox = open_in(*account, "INBOX");
      const auto all = contents_of(*inbox);
      REQUIRE(all.size() == 3);
      files.fail_at = files.operations + fault;
      files.for_ever = true;
      if (fault % 2 == 0) (void)inbox->change_flags(std::vector<Uid>{42}, FlagChange::replace, 31, {});
      (void)inbox->expunge(std::vector<Uid>{40});
      files.fail_at = -1;
      std::filesystem::remove(path + ".lock");  // its removal may be what failed
      const auto after = scan_mbox(read(path));
      std::vector<std::string> there;
      for (const auto& message : after.messages) {
        // The empty lines before a copy may stay with the message before them.
        there.emplace_back(trim(mbox_content(read(path).substr(message.header, message.end - message.header))));
      }
      for (std::size_t i = 1; i < all.size(); ++i) {  // the first was to go
        INFO((in_place ? "in place, fault " : "replaced, fault ") << fault << ", message " << i << "\n" << read(path));
        CHECK(std::ranges::find(there, trim(all[i])) != there.end());
      }
      CHECK(read(path).starts_with(pseudo));
      CHECK(now(*inbox)->records.size() >= 2);
    }
  };
  run(FaultyFiles(), false);
  run(ForeignFolder<FaultyFiles>(), true);
}

TEST_CASE("MBX-06, MBX-05: killed while they write, writers lose nothing that was told") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  std::vector<std::string> kept;
  for (int i = 0; i < 40; ++i) {
    kept.push_back("Return-Path: <s@x>\r\nX: " + std::to_string(i) + "\r\n\r\n" + std::string(3000, 'x') + "\r\n");
    deliver(path, "X: " + std::to_string(i) + "\r\n\r\n" + std::string(3000, 'x') + "\r\n");
  }
  for (int round = 0; round < 16; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ForeignFolder<fs::Files> in_place;
      fs::Files& files = round % 2 == 0 ? in_place : fs::system_files();
      auto account =
          MboxAccount::open_file(path, folder.path + "/state", {.files = &files, .lock = {}, .index = nullptr});
      auto inbox = (*account)->open("INBOX", false);
      for (int i = 0;; ++i) {
        const auto text = "Y: " + std::to_string(i) + "\r\n\r\nshort\r\n";
        const NewMessage message{text, 0, {}, 0};
        const auto appended = (*inbox)->append({&message, 1});
        const auto snapshot = (*inbox)->snapshot();
        if (!appended || !snapshot) ::_exit(1);
        const Uid first = (*snapshot)->records[static_cast<std::size_t>(i) % 5].uid;
        (void)(*inbox)->change_flags({&first, 1}, i % 2 == 0 ? FlagChange::add : FlagChange::remove, seen | flagged,
                                     {"kw"});
        (void)(*inbox)->expunge(appended->uids);
      }
    }
    pause_for(Milliseconds{8 + round});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    // One that was cut short in the middle of being made names nobody: it is waited for.
    if (std::filesystem::exists(path + ".lock") && std::filesystem::is_empty(path + ".lock")) {
      std::filesystem::remove(path + ".lock");
    }
  }
  const auto account = account_at(folder);
  const auto there = contents_of(*open_in(*account, "INBOX"));
  for (const auto& message : kept) CHECK(std::ranges::find(there, message) != there.end());
}

TEST_CASE("MBX-07: writers of several kinds keep out of each other's way") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  write(path, "");
  std::filesystem::permissions(path, std::filesystem::perms{0600});
  constexpr int writers = 4;
  constexpr int each = 25;
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      UnsyncedFiles files;
      const auto order = writer % 2 == 0 ? MboxLockOrder::fcntl_then_dotlock : MboxLockOrder::dotlock_then_fcntl;
      MboxDelivery delivery(path, waiting(Milliseconds{30000}, order), files);
      for (int i = 0; i < each; ++i) {
        const auto text = "W: " + std::to_string(writer * each + i) + "\r\n\r\n" + std::string(2000, 'w') + "\r\n";
        ViewContent content(text);
        if (!delivery.deliver({.headers = {},
                               .message = &content,
                               .reverse_path = "a@b",
                               .queue_id = "q",
                               .recipient = 1,
                               .arrival = 1,
                               .first_attempt = true})) {
          ++failures;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  const auto scan = scan_mbox(read(path));
  CHECK(scan.messages.size() == writers * each);
  std::set<std::string> identities;
  for (const auto& message : scan.messages) identities.insert(message.identity);
  CHECK(identities.size() == writers * each);
}

TEST_CASE("MBX-08, MBX-09: locks of others are waited for with a bound, and stale dotlocks removed") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  deliver(path, "A: 1\r\n\r\n");
  const auto attempt = [&](Milliseconds wait = Milliseconds{40}) {
    return LockedMbox::open(path, false, waiting(wait), fs::system_files());
  };
  {
    const auto held = attempt();
    REQUIRE(held);
    CHECK(std::filesystem::exists(path + ".lock"));
    CHECK(attempt().error().kind == Kind::timeout);
  }
  CHECK_FALSE(std::filesystem::exists(path + ".lock"));
  write(path + ".lock", "99999\n");
  CHECK(attempt().error().kind == Kind::timeout);
  CHECK(std::filesystem::exists(path + ".lock"));
  using namespace std::chrono_literals;
  const auto long_ago = std::filesystem::file_time_type::clock::now() - 121s;
  std::filesystem::last_write_time(path + ".lock", long_ago);
  CHECK(attempt().error().kind == Kind::timeout);  // the mbox changes, so its writer lives
  std::filesystem::last_write_time(path, long_ago);
  CHECK(attempt());
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + 24h);
  std::filesystem::create_symlink("/tmp/facteur-nothing", path + ".lock");
  CHECK(attempt().error().kind == Kind::timeout);
  CHECK_FALSE(std::filesystem::exists("/tmp/facteur-nothing"));
  std::filesystem::remove(path + ".lock");
  std::filesystem::create_directory(path + ".lock");
  CHECK(attempt().error().kind == Kind::timeout);
  std::filesystem::remove(path + ".lock");
  ForeignFolder<fs::Files> foreign;
  CHECK(LockedMbox::open(path, false, waiting(Milliseconds{40}), foreign));
  // A session that cannot lock says so, and what it had still stands.
  const auto account = account_at(folder, fs::system_files(), Milliseconds{40});
  const auto inbox = open_in(*account, "INBOX");
  CHECK(now(*inbox)->records.size() == 1);
  const auto held = attempt();
  REQUIRE(held);
  CHECK(inbox->expunge(std::vector<Uid>{1}).error().kind == Kind::timeout);
}

TEST_CASE("MBX-10: what is no mbox of ours is refused") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  const auto attempt = [&] { return LockedMbox::open(path, true, waiting(Milliseconds{20}), fs::system_files()); };
  write(folder.path + "/other", "x\n");
  std::filesystem::create_symlink(folder.path + "/other", path);
  CHECK(attempt().error().kind == Kind::temporary);
  std::filesystem::remove(path);
  std::filesystem::create_hard_link(folder.path + "/other", path);
  CHECK(attempt().error().kind == Kind::temporary);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK_FALSE(attempt());
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(attempt().error().kind == Kind::temporary);
  std::filesystem::remove(path);
  for (const mode_t mode : {0666, 04600, 01600}) {
    write(path, "");
    ::chmod(path.c_str(), mode);
    CHECK(attempt().error().kind == Kind::temporary);
    std::filesystem::remove(path);
  }
  CHECK(attempt());
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("UIDs of an mbox stay when others change its status and order, and when mail comes between") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  for (int i = 0; i < 4; ++i) deliver(path, "X: " + std::to_string(i % 3) + "\r\n\r\nsame\r\n");
  const auto account = account_at(folder);
  const auto inbox = open_in(*account, "INBOX");
  CHECK(uids_of(*now(*inbox)) == std::vector<Uid>{1, 2, 3, 4});
  // Another program sets flags and removes one.
  auto octets = read(path);
  const auto scan = scan_mbox(octets);
  const auto& second = scan.messages[1];
  const std::string rewritten = octets.substr(0, second.begin) + octets.substr(scan.messages[2].begin) +
                                octets.substr(second.begin, second.body - 1 - second.begin) +
                                "Status: RO\nX-Status: F\n\n" + octets.substr(second.body, second.next - second.body);
  write(path, rewritten);
  const auto after = now(*inbox);
  CHECK(uids_of(*after) == std::vector<Uid>{1, 2, 3, 4});
  CHECK(after->records[1].flags.system == (seen | flagged));
  CHECK(content_of(*inbox, 2) == "Return-Path: <s@x>\r\nX: 1\r\n\r\nsame\r\n");
}

TEST_CASE("POP-08, MBX-08: the dotlock of a process of this machine dies with it") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  deliver(path, "A: 1\r\n\r\n");
  const auto attempt = [&] { return LockedMbox::open(path, false, waiting(Milliseconds{40}), fs::system_files()); };
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto held = attempt();
    ::_exit(held ? (::raise(SIGKILL), 1) : 2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(std::filesystem::exists(path + ".lock"));
  CHECK(attempt());
  // What names another machine, a process that lives, or nobody is left alone.
  struct utsname names{};
  REQUIRE(::uname(&names) == 0);
  const std::string here = names.nodename;
  const auto dead = std::to_string(child);
  for (const auto& content :
       {dead + ":elsewhere", dead, dead + ":", "1:" + here, std::to_string(::getpid()) + ":" + here, "-1:" + here,
        "0:" + here, ":" + here, std::string{}}) {
    write(path + ".lock", content);
    INFO(content);
    CHECK_FALSE(attempt());
    CHECK(std::filesystem::exists(path + ".lock"));
  }
}
