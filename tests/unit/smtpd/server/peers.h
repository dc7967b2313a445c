// The other ends of smtpd's doors in tests: a queued that keeps its slots in anonymous files and reads back what was
// committed, an authd that knows alice, and files that fail when told to.
#pragma once

#include <atomic>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "auth/doors.h"
#include "common/fs/files.h"
#include "common/ipc/door.h"
#include "common/loop/loop.h"
#include "common/route/tables.h"
#include "queue/doors.h"
#include "queue/format/reader.h"

namespace facteur::smtpd::testing {

/// Turns the loop until `holds`, for at most 30 seconds.
inline bool turn_until(loop::Loop& loop, const std::function<bool()>& holds) {
  const auto end = monotonic_now() + Seconds{30};
  while (!holds() && monotonic_now() < end) {
    loop.turn();
    ::usleep(200);
  }
  return holds();
}

/// Calls that fail once an errno is set; they run on pool threads.
class FailingFiles final : public fs::Files {
 public:
  std::atomic<int> write_errno = 0;
  std::atomic<int> sync_errno = 0;
  std::atomic<int> syncs = 0;
  std::atomic<int> writes = 0;
  std::atomic<int> truncations = 0;

  Result<> write_at(int fd, std::string_view octets, std::uint64_t offset) override {
    ++writes;
    if (write_errno != 0) return fail_errno("write", write_errno);
    return fs::Files::write_at(fd, octets, offset);
  }
  Result<> sync(int fd) override {
    ++syncs;
    if (sync_errno != 0) return fail_errno("sync", sync_errno);
    return fs::Files::sync(fd);
  }
  Result<> truncate(int fd, std::uint64_t size) override {
    ++truncations;
    return fs::Files::truncate(fd, size);
  }
};

/// A message that was committed, read back from its file.
struct Kept {
  std::string queue_id;
  queue::Message message;
  std::string octets;  ///< headers on top and content
};

class FakeQueued {
 public:
  explicit FakeQueued(loop::Loop& loop) : loop_(loop) {}

  /// A new door; gives smtpd's end.
  std::unique_ptr<ipc::Door> connect() {
    auto pair = ipc::make_pair();
    door_ = std::make_unique<ipc::Door>(loop_, std::move(pair->first), "smtpd");
    door_->on<queue::WantSlots>([this](const queue::WantSlots& want) { give(want.count); });
    door_->on<queue::Commit>([this](const queue::Commit& commit) { take(commit.queue_id); });
    door_->on<queue::Discard>([this](const queue::Discard& discard) {
      for (const auto& id : discard.queue_ids) discarded[id] = size_of(id);
    });
    door_->open();
    return std::make_unique<ipc::Door>(loop_, std::move(pair->second), "queued");
  }
  void die() { door_.reset(); }
  /// There is no room any more: what was given is to come back.
  void recall() {
    full = true;
    (void)door_->send(queue::Slots{0, {}});
  }

  bool stingy = false;    ///< gives no slots
  bool full = false;      ///< says that there are none
  bool silent = false;    ///< answers no commit
  bool refusing = false;  ///< answers every commit with no
  std::size_t given = 0;
  std::vector<Kept> kept;
  std::map<std::string, off_t> discarded;  ///< queue id to size of the file

 private:
  void give(std::uint32_t count) {
    if (stingy) return;
    queue::Slots slots;
    slots.asked = count;
    for (std::uint32_t i = 0; i < count && i < 32 && !full; ++i) {
      auto id = "Qid" + std::to_string(10'000'000 + ++given);
      Fd file(::memfd_create("slot", MFD_CLOEXEC));
      slots.slots.push_back({id, file.duplicate()});
      files_[id] = std::move(file);
    }
    (void)door_->send(std::move(slots));
  }
  off_t size_of(const std::string& id) { return ::lseek(files_[id].get(), 0, SEEK_END); }
  void take(const std::string& id) {
    if (silent) return;
    if (refusing) {
      (void)door_->send(queue::Committed{id, false, "no"});
      return;
    }
    const int fd = files_[id].get();
    queue::FileOctets octets(fs::system_files(), fd);
    auto message = queue::load(octets);
    check(message.has_value(), "what was committed can be read");
    check(queue::verify(octets, *message).has_value(), "its checksum is right");
    auto content = queue::Content::open(fs::system_files(), fd);
    Kept one{id, std::move(*message), {}};
    while (one.octets.size() < content->size()) one.octets += *content->read(one.octets.size(), 1 << 20);
    kept.push_back(std::move(one));
    (void)door_->send(queue::Committed{id, true, {}});
  }

  loop::Loop& loop_;
  std::unique_ptr<ipc::Door> door_;
  std::map<std::string, Fd> files_;
};

class FakeAuthd {
 public:
  explicit FakeAuthd(loop::Loop& loop) : loop_(loop) {}

  std::unique_ptr<ipc::Door> connect() {
    auto pair = ipc::make_pair();
    door_ = std::make_unique<ipc::Door>(loop_, std::move(pair->first), "smtpd");
    door_->on<auth::SaslStart>([this](const auth::SaslStart& start) {
      last = start;
      if (silent) return;
      const bool good = start.initial == std::string("\0alice\0secret", 13);
      (void)door_->send(
          auth::SaslReply{start.id,
                          outcome.value_or(good ? auth::SaslOutcome::success : auth::SaslOutcome::failure),
                          {},
                          good ? "alice@our.test" : "",
                          {},
                          {}});
    });
    door_->on<auth::SaslCancel>([this](const auth::SaslCancel&) { ++cancelled; });
    door_->on<auth::AccountQuery>([this](const auth::AccountQuery& query) {
      if (silent) return;
      const bool known = query.account == "alice@our.test";
      (void)door_->send(auth::AccountAnswer{query.id, known ? auth::Existence::exists : auth::Existence::unknown});
    });
    door_->on<auth::CountConnection>([this](const auth::CountConnection& question) {
      asked.push_back(question);
      if (!silent) count(question.connection.id, !crowded);
    });
    door_->on<auth::ConnectionEnded>([this](const auth::ConnectionEnded& end) { ended.push_back(end.id); });
    door_->on<auth::OpenConnections>([this](const auth::OpenConnections& open) {
      told.insert(told.end(), open.connections.begin(), open.connections.end());
    });
    door_->open();
    return std::make_unique<ipc::Door>(loop_, std::move(pair->second), "authd");
  }
  void count(std::uint64_t id, bool served) { (void)door_->send(auth::ConnectionCounted{id, served}); }
  void send_tables() {
    route::Tables tables;
    tables.domains = {"our.test"};
    auto memory = fs::sealed_memory("tables", ipc::to_octets(tables));
    (void)door_->send(auth::NewTables{std::move(*memory)});
  }
  void send_wrong_id(std::uint64_t id) {
    (void)door_->send(auth::SaslReply{id, auth::SaslOutcome::success, {}, "mallory@our.test", {}, {}});
  }
  void send_garbage() { (void)door_->send_packet({std::string("\xff\xff garbage"), {}}); }
  void die() { door_.reset(); }

  bool silent = false;
  bool crowded = false;  ///< every client has too many connections
  std::vector<auth::CountConnection> asked;
  std::vector<std::uint64_t> ended;
  std::vector<auth::OpenConnection> told;  ///< what was open when this authd came
  std::optional<auth::SaslOutcome> outcome;
  auth::SaslStart last;
  int cancelled = 0;

 private:
  loop::Loop& loop_;
  std::unique_ptr<ipc::Door> door_;
};

}  // namespace facteur::smtpd::testing
