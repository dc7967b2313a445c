#include "queue/spool/spool.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "catch.h"
#include "folder.h"
#include "queue/format/reader.h"
#include "queue/format/writer.h"
#include "queue/spool/queue_id.h"

using namespace facteur;
using namespace facteur::queue;

namespace {

struct SpoolFolder : test::Folder {
  [[nodiscard]] std::string file(const std::string& id) const { return path + "/queue/" + id; }
};

/// Counts the calls that change something and fails the chosen one.
struct Faulty : fs::Files {
  int until_failure = -1;
  int calls = 0;
  Result<> step(const char* call) {
    ++calls;
    if (until_failure >= 0 && until_failure-- == 0) return fail_errno(call, EIO);
    return {};
  }
  Result<> write(int fd, std::string_view octets) override {
    if (auto s = step("write"); !s) return s;
    return Files::write(fd, octets);
  }
  Result<> write_at(int fd, std::string_view octets, std::uint64_t offset) override {
    if (auto s = step("pwrite"); !s) {
      (void)Files::write_at(fd, octets.substr(0, octets.size() / 2), offset);  // half of it got there
      return s;
    }
    return Files::write_at(fd, octets, offset);
  }
  Result<> sync(int fd) override {
    if (auto s = step("fsync"); !s) return s;
    return Files::sync(fd);
  }
  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    if ((flags & O_CREAT) != 0) {
      if (auto s = step("open"); !s) return fail(s);
    }
    return Files::open(directory, path, flags, mode);
  }
};

std::string message_octets(std::size_t count = 1) {
  Envelope envelope;
  envelope.reverse_path = "jim@minfo.sn";
  std::vector<Recipient> recipients(count);
  for (auto& recipient : recipients) recipient.address = "alice@example.test";
  auto writer = Writer::start(envelope, recipients);
  writer->append("Subject: x\r\n\r\nbody\r\n");
  return writer->finish("")[0].octets;
}

std::string delivered(std::uint32_t number) {
  std::string octets;
  append_record(octets, RecordKind::delivered, Event{1, 0, "", {{number, "2.0.0", "ok"}}});
  return octets;
}

/// Writes a message into a new slot, as smtpd does.
void receive(Spool& spool, const std::string& id, const std::string& octets) {
  const std::vector<std::string> ids{id};
  auto slots = spool.make_slots(ids);
  REQUIRE(slots);
  REQUIRE(fs::system_files().write_at((*slots)[0].file.get(), octets, 0));
}

const std::string id = "0123456789ab";

}  // namespace

TEST_CASE("queue ids differ whatever the clock does, and have their shape") {
  QueueIds ids;
  std::set<std::string> seen;
  for (int i = 0; i < 20000; ++i) {
    const auto made = ids.next(WallTime(std::chrono::microseconds(1'795'000'000'000'000 - i * 1000)));
    CHECK((is_queue_id(made) && made.size() == 12));
    seen.insert(made.substr(0, 9));
  }
  CHECK(seen.size() == 20000);
  CHECK_FALSE(is_queue_id("short"));
  CHECK_FALSE(is_queue_id("../../etc/passwd"));
  CHECK_FALSE(is_queue_id(std::string(21, 'a')));
}

TEST_CASE("a bounce has a name of its own for each set of recipients") {
  const std::vector<std::uint32_t> one{1}, two{1, 2}, twelve{12};
  CHECK(bounce_id(id, one) == bounce_id(id, one));
  CHECK(is_queue_id(bounce_id(id, one)));
  CHECK(
      std::set{bounce_id(id, one), bounce_id(id, two), bounce_id(id, twelve), bounce_id("0123456789ac", one)}.size() ==
      4);
}

TEST_CASE("a spool has one queued (QUE-09)") {
  const SpoolFolder folder;
  auto first = Spool::open(fs::system_files(), folder.path);
  REQUIRE(first);
  CHECK(Spool::open(fs::system_files(), folder.path).error().kind == Kind::permanent);
  first->reset();
  CHECK(Spool::open(fs::system_files(), folder.path));
}

TEST_CASE("folders are made, and closed to others (QUE-10)") {
  const SpoolFolder folder;
  std::filesystem::create_directory(folder.path + "/queue");
  ::chmod((folder.path + "/queue").c_str(), 0777);
  REQUIRE(Spool::open(fs::system_files(), folder.path));
  struct stat status{};
  for (const auto* name : {"/queue", "/hold", "/corrupt"}) {
    REQUIRE(::stat((folder.path + name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  std::filesystem::remove(folder.path + "/hold");
  std::filesystem::create_symlink("/tmp", folder.path + "/hold");
  CHECK_FALSE(Spool::open(fs::system_files(), folder.path));
  CHECK_FALSE(Spool::open(fs::system_files(), folder.path + "/none"));
}

TEST_CASE("a commit is refused while somebody can write, or when the file is not what it should be") {
  const SpoolFolder folder;
  auto spool = Spool::open(fs::system_files(), folder.path);
  const std::vector<std::string> ids{id};
  auto slots = (*spool)->make_slots(ids);
  REQUIRE(slots);
  REQUIRE(fs::system_files().write_at((*slots)[0].file.get(), message_octets(), 0));
  CHECK((*spool)->commit(id).error().kind == Kind::temporary);
  slots->clear();
  const auto loaded = (*spool)->commit(id);
  REQUIRE(loaded);
  CHECK(loaded->message.envelope.reverse_path == "jim@minfo.sn");

  REQUIRE(::link(folder.file(id).c_str(), (folder.path + "/other").c_str()) == 0);
  CHECK((*spool)->commit(id).error().kind == Kind::corrupt);
  CHECK((*spool)->commit("notherenothe").error().errno_value == ENOENT);
  std::filesystem::create_symlink(folder.path + "/other", folder.file("symlink00000"));
  CHECK_FALSE((*spool)->commit("symlink00000"));
  REQUIRE(::mkfifo(folder.file("fifo00000000").c_str(), 0600) == 0);
  CHECK((*spool)->commit("fifo00000000").error().kind == Kind::corrupt);

  receive(**spool, "unfinished00", message_octets().substr(0, 90));
  CHECK((*spool)->commit("unfinished00").error().kind == Kind::corrupt);
  receive(**spool, "withlog00000", message_octets() + delivered(1));
  CHECK((*spool)->commit("withlog00000").error().kind == Kind::corrupt);
}

TEST_CASE("slots are all made or none, at every failure") {
  const SpoolFolder folder;
  Faulty files;
  auto spool = Spool::open(files, folder.path);
  REQUIRE(spool);
  const std::vector<std::string> ids{"slot00000001", "slot00000002", "slot00000003"};
  for (int at = 0; at < 4; ++at) {
    files.until_failure = at;
    CHECK_FALSE((*spool)->make_slots(ids));
    std::size_t strangers = 0;
    CHECK((*spool)->list(Folder::queue, strangers)->empty());
  }
  files.until_failure = -1;
  files.calls = 0;
  CHECK((*spool)->make_slots(ids)->size() == 3);
  CHECK(files.calls == 4);                 // one sync for all
  CHECK_FALSE((*spool)->make_slots(ids));  // never two messages of one name
}

TEST_CASE("a log goes on behind what a failed append tore") {
  const SpoolFolder folder;
  Faulty files;
  auto spool = Spool::open(files, folder.path);
  receive(**spool, id, message_octets(3));
  auto end = (*spool)->commit(id)->message.log_end;
  files.until_failure = 0;
  CHECK_FALSE((*spool)->append(id, end, delivered(1) + delivered(2), true));
  CHECK((*spool)->load(Folder::queue, id, true)->message.log_end >= end);
  files.until_failure = -1;
  const auto next = (*spool)->append(id, end, delivered(3), false);
  REQUIRE(next);
  const auto loaded = (*spool)->load(Folder::queue, id, true);
  REQUIRE(loaded);
  CHECK(loaded->message.log_end == *next);
  CHECK(loaded->message.recipients[2].standing == Standing::delivered);
  CHECK(loaded->message.pending() == 2);
  files.until_failure = 1;  // the sync
  CHECK_FALSE((*spool)->append(id, *next, delivered(1), true));
}

TEST_CASE("a bounce is written whole or not at all, and only once") {
  const SpoolFolder folder;
  Faulty files;
  auto spool = Spool::open(files, folder.path);
  const auto octets = message_octets();
  for (int at = 0; at < 4; ++at) {
    files.until_failure = at;
    CHECK_FALSE((*spool)->write(id, octets));
    CHECK_FALSE(std::filesystem::exists(folder.file(id)));
  }
  files.until_failure = -1;
  REQUIRE((*spool)->write(id, octets));
  const auto inode = [&] {
    struct stat status{};
    ::stat(folder.file(id).c_str(), &status);
    return status.st_ino;
  };
  const auto first = inode();
  REQUIRE((*spool)->write(id, octets));
  CHECK(inode() == first);
  std::filesystem::resize_file(folder.file(id), 100);  // a crash in the middle
  REQUIRE((*spool)->write(id, octets));
  CHECK((*spool)->load(Folder::queue, id, true));
}

TEST_CASE("messages move between folders and strangers stay (QUE-02)") {
  const SpoolFolder folder;
  auto spool = Spool::open(fs::system_files(), folder.path);
  receive(**spool, id, message_octets());
  REQUIRE((*spool)->move(id, Folder::queue, Folder::hold));
  CHECK((*spool)->load(Folder::hold, id, true));
  receive(**spool, id, message_octets());
  CHECK((*spool)->move(id, Folder::queue, Folder::hold).error().kind == Kind::permanent);
  std::filesystem::create_directory(folder.file("directory000"));
  ::mknod(folder.file("not-an-id").c_str(), S_IFREG | 0600, 0);
  std::size_t strangers = 0;
  CHECK((*spool)->list(Folder::queue, strangers)->size() == 2);
  CHECK(strangers == 1);
  CHECK_FALSE((*spool)->load(Folder::queue, "directory000", true));

  const std::vector<std::string> gone{"notherenothe", "directory000", id};
  CHECK_FALSE((*spool)->remove(Folder::queue, gone));  // a folder cannot be unlinked, and is told
  CHECK_FALSE(std::filesystem::exists(folder.file(id)));
  const std::vector<std::string> twice{id};
  CHECK((*spool)->remove(Folder::queue, twice));
}

TEST_CASE("a message of an earlier time is not taken up while somebody can write to it") {
  const SpoolFolder folder;
  auto spool = Spool::open(fs::system_files(), folder.path);
  receive(**spool, id, message_octets());
  {
    const auto writer = fs::system_files().open(AT_FDCWD, folder.file(id), O_WRONLY);
    CHECK((*spool)->load(Folder::queue, id, true).error().kind == Kind::temporary);
    CHECK((*spool)->load(Folder::queue, id, false));
  }
  CHECK((*spool)->load(Folder::queue, id, true));
}

TEST_CASE("rot is found before the first attempt after a start (DSK-14)") {
  const SpoolFolder folder;
  auto spool = Spool::open(fs::system_files(), folder.path);
  auto octets = message_octets();
  octets[octets.find("body")] = 'B';
  receive(**spool, id, octets);
  CHECK((*spool)->load(Folder::queue, id, false));
  CHECK((*spool)->load(Folder::queue, id, true).error().kind == Kind::corrupt);
}

TEST_CASE("the file of a finished message becomes the next slot") {
  const SpoolFolder folder;
  auto spool = Spool::open(fs::system_files(), folder.path);
  receive(**spool, id, message_octets());
  struct stat before{};
  struct stat after{};
  REQUIRE(::stat(folder.file(id).c_str(), &before) == 0);
  const std::string next = "0123456789ac";
  const std::vector<std::string> ids{next};
  SECTION("emptied at once, under its name until the slot is made") {
    REQUIRE((*spool)->finish(id));
    CHECK(std::filesystem::file_size(folder.file(id)) == 0);
    CHECK((*spool)->load(Folder::queue, id, true).error().errno_value == ENODATA);
    auto slots = (*spool)->make_slots(ids);
    REQUIRE(slots);
    REQUIRE(::stat(folder.file(next).c_str(), &after) == 0);
    CHECK(after.st_ino == before.st_ino);
    CHECK(after.st_size == 0);
    CHECK_FALSE(std::filesystem::exists(folder.file(id)));
    CHECK((::fcntl((*slots)[0].file.get(), F_GETFL) & O_ACCMODE) == O_WRONLY);
    REQUIRE(fs::system_files().write_at((*slots)[0].file.get(), message_octets(2), 0));
    slots->clear();
    CHECK((*spool)->commit(next)->message.recipients.size() == 2);
  }
  SECTION("never while somebody has it open: he would read the next message") {
    const bool mapped = GENERATE(false, true);
    int holder = ::open(folder.file(id).c_str(), O_RDONLY | O_CLOEXEC);
    void* memory = mapped ? ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, holder, 0) : nullptr;
    if (mapped) ::close(std::exchange(holder, -1));
    REQUIRE((*spool)->finish(id));
    CHECK_FALSE(std::filesystem::exists(folder.file(id)));
    if (mapped) {
      CHECK(::munmap(memory, 4096) == 0);
    } else {
      ::close(holder);
    }
  }
  SECTION("never over another message") {
    receive(**spool, next, message_octets());
    REQUIRE((*spool)->finish(id));
    CHECK((*spool)->make_slots(ids).error().errno_value == EEXIST);
  }
  SECTION("never one that has a second name") {
    REQUIRE(::link(folder.file(id).c_str(), (folder.path + "/copy").c_str()) == 0);
    REQUIRE((*spool)->finish(id));
    CHECK_FALSE(std::filesystem::exists(folder.file(id)));
    CHECK(std::filesystem::file_size(folder.path + "/copy") > 0);
  }
  SECTION("not more of them than are of use") {
    for (int i = 0; i < 200; ++i) {
      const auto name = "finished" + std::to_string(1000 + i);
      receive(**spool, name, message_octets());
    }
    for (int i = 0; i < 200; ++i) REQUIRE((*spool)->finish("finished" + std::to_string(1000 + i)));
    std::size_t strangers = 0;
    CHECK((*spool)->list(Folder::queue, strangers)->size() == 128 + 1);
    spool->reset();
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path + "/queue"), {}) == 1);
  }
}
