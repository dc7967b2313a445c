// Writing an mbox: what fails and who is killed at it, and several writers at once.
#include <csignal>
#include <random>
#include <sys/wait.h>
#include <thread>

#include "mbox_house.h"

using namespace facteur;
using namespace facteur::store;

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
  const auto run = [](auto files) {
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
      if (fault % 2 == 0) (void)inbox->change_flags(std::vector<Uid>{2}, FlagChange::replace, 31, {});
      (void)inbox->expunge(std::vector<Uid>{1});
      files.fail_at = -1;
      std::filesystem::remove(path + ".lock");  // its removal may be what failed
      const auto after = scan_mbox(read(path));
      std::vector<std::string> there;
      for (const auto& message : after.messages) {
        // The empty lines before a copy may stay with the message before them.
        there.emplace_back(trim(mbox_content(read(path).substr(message.header, message.end - message.header))));
      }
      for (std::size_t i = 1; i < all.size(); ++i) {  // the first was to go
        INFO("fault " << fault << ", message " << i << "\n" << read(path));
        CHECK(std::ranges::find(there, trim(all[i])) != there.end());
      }
      CHECK(read(path).starts_with(pseudo));
      CHECK(now(*inbox)->records.size() >= 2);
    }
  };
  run(FaultyFiles());
  run(ForeignFolder<FaultyFiles>());
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
      ForeignFolder<fs::Files> foreign;
      fs::Files& files = round % 2 == 0 ? foreign : fs::system_files();
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

TEST_CASE("MBX-07: who has opened an mbox and waits for its lock finds it to be the mbox still") {
  const Folder folder;
  const auto path = folder.path + "/mbox";
  write(path, three + "\n\n");
  const auto account = account_at(folder);
  const auto inbox = open_in(*account, "INBOX");
  const auto uids = uids_of(*now(*inbox));
  REQUIRE(uids.size() == 3);
  const Fd waiting_program(::open(path.c_str(), O_WRONLY | O_APPEND));
  REQUIRE(inbox->change_flags({uids.data(), 1}, FlagChange::add, flagged, {}));
  REQUIRE(inbox->expunge({uids.data() + 1, 1}));
  const std::string late = "From d@example.test Sun Nov 22 10:00:03 2026\nSubject: late\n\nlate\n\n";
  REQUIRE(::write(waiting_program.get(), late.data(), late.size()) == static_cast<ssize_t>(late.size()));
  const auto there = now(*inbox);
  REQUIRE(there->records.size() == 3);
  CHECK(content_of(*inbox, there->records.back().uid) == "Subject: late\r\n\r\nlate\r\n");
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
