// A Maildir++ account as its sessions see it: names of files, UIDs, folders, what Dovecot left.
#include <atomic>
#include <thread>

#include "common/store/maildir/account.h"
#include "common/store/maildir/delivery.h"
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

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

TEST_CASE("mail of one second gets UIDs in the order it was delivered, whatever the ids of the queue") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto delivery = MaildirDelivery::open(folder.path, "h");
  REQUIRE(delivery);
  std::vector<std::string> texts;
  for (const char* id : {"q", "c", "z", "a", "m"}) {
    texts.push_back("X: " + std::string(id) + "\r\n\r\n");
    ViewContent content(texts.back());
    REQUIRE((*delivery)->deliver({.headers = "",
                                  .message = &content,
                                  .reverse_path = "",
                                  .queue_id = id,
                                  .recipient = 1,
                                  .arrival = 1700000000,
                                  .first_attempt = true}));
    // Longer than the tick of the file system's clock.
    std::this_thread::sleep_for(Milliseconds{20});
  }
  const auto inbox = open_in(*account, "INBOX");
  const auto snapshot = now(*inbox);
  REQUIRE(snapshot->records.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(content_of(*inbox, snapshot->records[i].uid) == texts[i]);
}

TEST_CASE("the time of a message's file is its internal date") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  add(*inbox, suite_mail, 0, {}, 1'000'000'000);
  add(*inbox, suite_mail);
  const auto snapshot = now(*inbox);
  const auto files = files_in(folder.path + "/cur");
  for (std::size_t i = 0; i < files.size(); ++i) {
    struct stat status{};
    REQUIRE(::stat((folder.path + "/cur/" + files[i]).c_str(), &status) == 0);
    CHECK(status.st_mtim.tv_sec == snapshot->records[i].internal_date);
    CHECK(status.st_mtim.tv_nsec == 0);
  }
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
  // Written this moment, so that no UID was given since.
  for (const char* list : {"/dovecot-uidlist", "/.Sent/dovecot-uidlist"}) set_age(folder.path + list, -60);
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

TEST_CASE("what Dovecot left is taken over once: a lost list costs the UIDVALIDITY") {
  const Folder folder;
  for (const char* part : {"new", "cur", "tmp"}) std::filesystem::create_directory(folder.path + "/" + part);
  write(folder.path + "/cur/1600000000.old:2,S", "old\n");
  write(folder.path + "/dovecot-uidlist", "3 V1275660208 N8\n7 :1600000000.old\n");
  write(folder.path + "/cur/1600000001.first:2,S", "first\n");
  set_age(folder.path + "/dovecot-uidlist", 1000);
  const auto open = [&] {
    fs::Files files;  // its own: nothing is remembered from before
    const auto account = account_at(folder.path, files);
    return *now(*open_in(*account, "INBOX"));
  };
  const auto before = open();
  REQUIRE(before.uid_validity == 1275660208);
  REQUIRE(before.records.size() == 2);
  // Our list is lost, and the first message that it numbered: the next one must not get its UID.
  const auto lose = [&](const char* old_mail, const char* new_mail) {
    std::filesystem::remove(folder.path + "/facteur-uids");
    std::filesystem::remove(folder.path + "/cur/" + old_mail);
    write(folder.path + "/cur/" + new_mail, "another\n");
  };
  lose("1600000001.first:2,S", "1600000002.second:2,S");
  const auto after = open();
  CHECK(after.uid_validity > before.uid_validity);
  lose("1600000002.second:2,S", "1600000003.third:2,S");
  CHECK(open().uid_validity > after.uid_validity);
  // With the account's file lost too, nothing tells a mailbox that was here from one that comes: it is taken over, but
  // for one message a second since Dovecot wrote its list the UIDs do not come again.
  std::filesystem::remove(folder.path + "/facteur-uidvalidity");
  set_age(folder.path + "/dovecot-uidlist", 1003);
  lose("1600000003.third:2,S", "1600000004.fourth:2,S");
  const auto again = open();
  CHECK(again.uid_validity == before.uid_validity);
  CHECK(again.records.front().uid == 7);
  CHECK(again.records.back().uid > before.records.back().uid);
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
