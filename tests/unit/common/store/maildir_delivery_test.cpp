#include <csignal>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

#include "catch.h"
#include "common/store/content.h"
#include "common/store/file_lock.h"
#include "common/store/maildir/delivery.h"
#include "common/store/maildir/name.h"
#include "disk.h"

using namespace facteur;
using namespace facteur::store;

namespace {

const std::string mail = "Subject: one\r\n\r\nline\r\n.\r\nlone \r cr\r\n";
const std::string stored = "Return-Path: <a@b>\nSubject: one\n\nline\n.\nlone \r cr\n";

Delivery delivery_of(Content& content, std::string_view id = "4bXyZ", bool first = false) {
  return {.headers = "Return-Path: <a@b>\r\n",
          .message = &content,
          .reverse_path = "a@b",
          .queue_id = id,
          .recipient = 2,
          .arrival = 1700000000,
          .first_attempt = first};
}

std::set<std::string> files_in(const std::string& path) {
  std::set<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(path)) out.insert(entry.path().filename());
  return out;
}

std::size_t messages(const std::string& path) {
  return files_in(path + "/new").size() + files_in(path + "/cur").size();
}

}  // namespace

TEST_CASE("names are taken apart and made") {
  const auto name = parse_maildir_name("1700000000.M1P2.host,S=12,W=14:2,FSa");
  REQUIRE(name);
  CHECK(name->base == "1700000000.M1P2.host,S=12,W=14");
  CHECK(name->info == ":2,FSa");
  CHECK(name->flags == (flagged | seen));
  CHECK(info_for(":2,FSaP", answered) == ":2,PRa");
  CHECK(info_for("", 31) == ":2,DFRST");
  CHECK(info_for(":1,xyz", 0) == ":2,");
  CHECK_FALSE(parse_maildir_name(".hidden"));
  CHECK_FALSE(parse_maildir_name("new\nline"));
  CHECK_FALSE(parse_maildir_name(":2,S"));
  CHECK(parse_maildir_name("a:2,ZZ")->flags == 0);
  CHECK(older("9.z", "10.a"));
  CHECK(older("10.a", "10.b"));
  CHECK(name_part("a/b:c,d\n") == "a\\057b\\072c\\054d\\012");
  const auto first = unique_name("h");
  const auto second = unique_name("h");
  CHECK(older(first, second));
}

TEST_CASE("within a second messages come as their names tell, or else as they were written") {
  CHECK(came_at("9.zz_1.h", 50, 2) < came_at("10.aa_1.h", 40, 1));
  CHECK(came_at("10.zz_1.h", 50, 1) < came_at("10.aa_1.h", 50, 2));
  CHECK(came_at("10.zz_1.h", 49, 9) < came_at("10.aa_1.h", 50, 2));
  CHECK(came_at("10.M5P2.h", 70, 0) < came_at("10.M40P1.h", 60, 0));
  CHECK(came_at("10.M5P2.h", 70, 0) == came_at("10.M000005P7.h", 60, 9));
  // No microseconds: ids of deliveries, and numbers that are none.
  for (const char* name : {"10.M5P2_1.h", "10.M1000000P1.h", "10.MP1.h", "10.M-1P1.h", "10.M5", "10.", "10", ""}) {
    INFO(name);
    CHECK(came_at(name, 70, 3).seconds == 70);
    CHECK(came_at(name, 70, 3).nanoseconds == 3);
  }
}

TEST_CASE("a delivery stands in new/ with LF, sizes in its name and the modes of private mail") {
  const Folder folder;
  const auto path = folder.path + "/Maildir";
  const auto maildir = MaildirDelivery::open(path, "mail.example.test");
  REQUIRE(maildir);
  ViewContent content(mail);
  const auto name = (*maildir)->deliver(delivery_of(content, "4bXyZ", true));
  REQUIRE(name);
  CHECK(*name == "1700000000.4bXyZ_2.mail.example.test,S=" + std::to_string(stored.size()) +
                     ",W=" + std::to_string(mail.size() + 20));
  CHECK(read(path + "/new/" + *name) == stored);
  struct stat status{};
  for (const char* part : {"", "/tmp", "/new", "/cur"}) {
    REQUIRE(::stat((path + part).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
  }
  REQUIRE(::stat((path + "/new/" + *name).c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(files_in(path + "/tmp").empty());
}

TEST_CASE("large messages are the same as small ones, also with CR and LF in two pieces") {
  const Folder folder;
  const auto maildir = MaildirDelivery::open(folder.path + "/m", "h");
  REQUIRE(maildir);
  for (const std::size_t pad : {262142UL, 262143UL, 262144UL}) {
    const std::string octets = std::string(pad, 'x') + "\r\n" + std::string(300000, 'y') + "\r";
    ViewContent content(octets);
    const auto id = "q" + std::to_string(pad);
    const auto name = (*maildir)->deliver(delivery_of(content, id, true));
    REQUIRE(name);
    CHECK(read(folder.path + "/m/new/" + *name) ==
          "Return-Path: <a@b>\n" + std::string(pad, 'x') + "\n" + std::string(300000, 'y') + "\r");
    CHECK(*(*maildir)->deliver(delivery_of(content, id)) == *name);
  }
}

TEST_CASE("a second attempt finds the message wherever it went, and mends it") {
  const Folder folder;
  const auto path = folder.path + "/m";
  const auto maildir = MaildirDelivery::open(path, "h");
  REQUIRE(maildir);
  ViewContent content(mail);
  const auto name = *(*maildir)->deliver(delivery_of(content));
  CHECK(*(*maildir)->deliver(delivery_of(content)) == name);
  CHECK(messages(path) == 1);
  std::filesystem::rename(path + "/new/" + name, path + "/cur/" + name + ":2,S");
  CHECK(*(*maildir)->deliver(delivery_of(content)) == name + ":2,S");
  CHECK(messages(path) == 1);
  for (const std::string& damaged :
       {std::string(), stored.substr(0, 10), stored + "more", std::string(stored.size(), '\0')}) {
    write(path + "/cur/" + name + ":2,S", damaged);
    CHECK(*(*maildir)->deliver(delivery_of(content)) == name + ":2,S");
    CHECK(read(path + "/cur/" + name + ":2,S") == stored);
    CHECK(messages(path) == 1);
  }
  // Another message, another recipient: not this one.
  auto other = delivery_of(content);
  other.recipient = 22;
  REQUIRE((*maildir)->deliver(other));
  CHECK(messages(path) == 2);
}

TEST_CASE("KIL: whichever operation fails, the error is told and the next attempt delivers once") {
  for (const bool for_ever : {false, true}) {
    for (int fault = 0; fault < 14; ++fault) {
      const Folder folder;
      const auto path = folder.path + "/m";
      FaultyFiles files;
      files.fail_at = fault;
      files.for_ever = for_ever;
      files.errno_value = fault % 2 == 0 ? ENOSPC : EIO;
      ViewContent content(mail);
      Result<std::string> delivered = fail(Kind::temporary, "");
      const auto maildir = MaildirDelivery::open(path, "h", files);
      if (maildir) delivered = (*maildir)->deliver(delivery_of(content));
      if (!maildir) CHECK(maildir.error().kind == Kind::temporary);
      if (fault < files.operations && !for_ever && maildir && !delivered) {
        CHECK(delivered.error().kind == Kind::temporary);
        CHECK(delivered.error().errno_value == files.errno_value);
      }
      if (!delivered && std::filesystem::exists(path + "/tmp") && !for_ever) CHECK(files_in(path + "/tmp").empty());
      files.fail_at = -1;
      const auto again = MaildirDelivery::open(path, "h", files);
      REQUIRE(again);
      REQUIRE((*again)->deliver(delivery_of(content)));
      CHECK(messages(path) == 1);
      CHECK(files_in(path + "/tmp").empty());
    }
  }
}

TEST_CASE("MDR-04: links in place of the folders are not followed") {
  const Folder folder;
  const auto path = folder.path + "/m";
  REQUIRE(MaildirDelivery::open(path, "h"));
  std::filesystem::create_directory(folder.path + "/elsewhere");
  for (const char* part : {"tmp", "new", "cur"}) {
    std::filesystem::remove(path + "/" + part);
    std::filesystem::create_directory_symlink(folder.path + "/elsewhere", path + "/" + part);
    CHECK_FALSE(MaildirDelivery::open(path, "h"));
    std::filesystem::remove(path + "/" + part);
    std::filesystem::create_directory(path + "/" + part);
  }
  std::filesystem::create_symlink(folder.path + "/dangling", folder.path + "/link");
  CHECK_FALSE(MaildirDelivery::open(folder.path + "/link", "h"));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/dangling"));
}

TEST_CASE("deliveries at once share the sync of the folder, and a failed one is told to all that waited for it") {
  struct Counting : fs::Files {
    std::atomic<int> directory_syncs{0};
    std::atomic<bool> broken{false};
    Result<> sync(int fd) override {
      struct stat status{};
      if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        ++directory_syncs;
        pause_for(Milliseconds{20});
        if (broken) return fail_errno("fsync", EIO);
      }
      return {};
    }
  } files;
  const Folder folder;
  const auto path = folder.path + "/m";
  const auto maildir = MaildirDelivery::open(path, "h", files);
  REQUIRE(maildir);
  for (const bool broken : {false, true}) {
    files.broken = broken;
    files.directory_syncs = 0;
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 32; ++i) {
      threads.emplace_back([&, i] {
        ViewContent content(mail);
        const auto id = "t" + std::to_string(i) + (broken ? "b" : "a");
        if ((*maildir)->deliver(delivery_of(content, id, true))) ++good;
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(good == (broken ? 0 : 32));
    CHECK(files.directory_syncs < 16);
  }
}

TEST_CASE("KIL-01: a delivery that is killed anywhere is done once by the next attempt") {
  const Folder folder;
  const auto path = folder.path + "/m";
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const auto maildir = MaildirDelivery::open(path, "h");
      ViewContent content(mail);
      for (int i = 0; maildir; ++i) (void)(*maildir)->deliver(delivery_of(content, "k" + std::to_string(i % 40)));
      ::_exit(1);
    }
    pause_for(Milliseconds{3 + round});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
  }
  const auto maildir = MaildirDelivery::open(path, "h");
  ViewContent content(mail);
  for (int i = 0; i < 40; ++i) REQUIRE((*maildir)->deliver(delivery_of(content, "k" + std::to_string(i))));
  CHECK(messages(path) == 40);
  for (const auto& name : files_in(path + "/new")) CHECK(read(path + "/new/" + name) == stored);
  CHECK(files_in(path + "/tmp").size() <= 40);
}
