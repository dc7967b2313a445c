// A Maildir that several processes change at once, and are killed at.
#include <atomic>
#include <csignal>
#include <random>
#include <sys/wait.h>
#include <thread>

#include "common/store/flags.h"
#include "common/store/maildir/delivery.h"
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

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
