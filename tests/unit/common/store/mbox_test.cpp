// An mbox as its sessions see it: dialects, damage, status fields, UIDs.
#include <thread>

#include "common/store/mbox/from.h"
#include "mbox_house.h"

using namespace facteur;
using namespace facteur::store;

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

TEST_CASE("when our state of an mbox is lost no UID comes again, though another server's stand in the mbox") {
  const Folder folder;
  write(folder.path + "/mbox", pseudo + three);
  std::uint32_t validity = 0;
  {
    const auto account = account_at(folder);
    const auto inbox = open_in(*account, "INBOX");
    validity = now(*inbox)->uid_validity;
    const std::vector<Uid> uids{uids_of(*now(*inbox)).front()};
    REQUIRE(inbox->change_flags(uids, FlagChange::add, deleted, {}));
    REQUIRE(inbox->expunge(uids));
  }
  std::filesystem::remove(folder.path + "/state/facteur-uids");
  std::uint32_t second = 0;
  {
    const auto account = account_at(folder);
    second = now(*open_in(*account, "INBOX"))->uid_validity;
  }
  CHECK(second > validity);
  std::filesystem::remove_all(folder.path + "/state");
  // A UIDVALIDITY is a second of the clock when nothing tells the last one.
  std::this_thread::sleep_for(Milliseconds{2100});
  const auto account = account_at(folder);
  CHECK(now(*open_in(*account, "INBOX"))->uid_validity > second);
}

TEST_CASE("an mbox of other programs is read: pseudo-message hidden, flags, quoting, no last line end") {
  const Folder folder;
  write(folder.path + "/mbox", pseudo + three);
  const auto account = account_at(folder);
  const auto inbox = open_in(*account, "INBOX");
  const auto snapshot = now(*inbox);
  REQUIRE(snapshot->records.size() == 3);
  CHECK(snapshot->uid_validity > 1152643200);
  CHECK(uids_of(*snapshot) == std::vector<Uid>{1, 2, 3});
  CHECK(snapshot->records[0].flags == Flags{seen | answered | flagged, 3});
  CHECK(snapshot->keywords == std::vector<std::string>{"Work", "later"});
  CHECK(snapshot->records[1].internal_date == 1795338002);
  CHECK(content_of(*inbox, 1) ==
        "Subject: one\r\n\r\nfirst\r\nFrom the quoted\r\n>From more\r\nFrom here on there is prose.\r\n\r\n"
        "From that on too.\r\n");
  CHECK(content_of(*inbox, 2) == "Subject: two\r\nContent-Length: 999999\r\n\r\nsecond\r\n\r\n");
  CHECK(content_of(*inbox, 3) == "Subject: three\r\n\r\nthird without end");
  for (const auto& record : snapshot->records) CHECK(record.size == content_of(*inbox, record.uid).size());
  // Reading changes nothing.
  CHECK(read(folder.path + "/mbox") == pseudo + three);

  // The pseudo-message is kept by every change.
  const std::vector<Uid> uids{1, 3};
  CHECK(*inbox->expunge(uids) == uids);
  CHECK(read(folder.path + "/mbox").starts_with(pseudo));
  CHECK(uids_of(*now(*inbox)) == std::vector<Uid>{2});
  REQUIRE(inbox->change_flags(std::vector<Uid>{2}, FlagChange::add, deleted | seen, {"kw"}));
  const auto octets = read(folder.path + "/mbox");
  CHECK(octets.starts_with(pseudo));
  CHECK(octets.find("Content-Length: 999999\nX-UID: 42\nStatus: RO\nX-Status: D\nX-Keywords: kw\n\nsecond\n\n\n") !=
        std::string::npos);
  REQUIRE(inbox->expunge(std::vector<Uid>{2}));
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
