// A queued without processes: the real core, spool and doors on one loop, with peers that the test plays.
#pragma once

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

#include "catch.h"
#include "common/log/log.h"
#include "folder.h"
#include "queue/daemon/control.h"
#include "queue/daemon/local_delivery.h"
#include "queue/daemon/reception.h"
#include "queue/daemon/remote_delivery.h"
#include "queue/format/reader.h"
#include "queue/format/writer.h"

namespace facteur::queue {

struct SpoolFolder : test::Folder {
  [[nodiscard]] std::vector<std::string> names(const std::string& folder = "queue") const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path + "/" + folder)) {
      out.push_back(entry.path().filename());
    }
    std::ranges::sort(out);
    return out;
  }
  /// Empty files: slots given and in stock.
  [[nodiscard]] std::size_t slots() const {
    return count([](std::uintmax_t size) { return size == 0; });
  }
  /// True when there is nothing but slots.
  [[nodiscard]] bool no_messages() const {
    return count([](std::uintmax_t size) { return size > 0; }) == 0;
  }

 private:
  /// Files of the queue whose size is `wanted`. The pool renames and removes beside the listing: what has gone is not
  /// counted.
  [[nodiscard]] std::size_t count(const std::function<bool(std::uintmax_t)>& wanted) const {
    return static_cast<std::size_t>(std::ranges::count_if(names(), [&](const std::string& name) {
      std::error_code gone;
      const auto size = std::filesystem::file_size(path + "/queue/" + name, gone);
      return !gone && wanted(size);
    }));
  }
};

/// The log of one test, read back.
struct LogFile {
  Fd file{::memfd_create("log", MFD_CLOEXEC)};
  LogFile() {
    log::identify("host", "queued");
    log::attach(file.duplicate(), log::Framing::line);
  }
  ~LogFile() { log::attach(Fd(::dup(2)), log::Framing::line); }
  [[nodiscard]] std::string text() const { return *fs::system_files().read_at(file.get(), 0, 16 << 20); }
  [[nodiscard]] std::size_t count(std::string_view what) const {
    const std::string all = text();
    std::size_t found = 0;
    for (auto at = all.find(what); at != std::string::npos; at = all.find(what, at + 1)) ++found;
    return found;
  }
};

inline Options quick_options() {
  Options options;
  options.hostname = "mx.minfo.sn";
  options.times = {Seconds{1}, Seconds{2}, Seconds{86400}};
  options.remote.recipients_per_attempt = 2;
  options.local = {512, 64, 64, 20, 5};
  return options;
}

/// What was deferred waits until somebody flushes it.
inline Options patient_options() {
  auto options = quick_options();
  options.times.minimal_backoff_time = options.times.maximal_backoff_time = Seconds{3600};
  return options;
}

inline route::Tables tables() {
  route::Tables out;
  out.domains = {"minfo.sn"};
  out.aliases["sales"] = {{"jim", "jules", "far@away.org"}, "", "/etc/aliases", 1};
  out.aliases["broken"] = {{}, "programs are refused", "/etc/aliases", 2};
  return out;
}

class World {
 public:
  explicit World(const SpoolFolder& folder, Options options = quick_options(), fs::Files& files = fs::system_files())
      : spool_(open(files, folder.path)),
        core(loop, spool_, options),
        local(loop, core, options, [this](master::WorkerQuery query) { return answer_query(std::move(query)); }),
        remote(loop, core, options,
               {"mx.minfo.sn", [](std::string_view) { return false; },
                [](std::string_view ip) { return ip.starts_with("127."); }}),
        reception(loop, spool_, core, options),
        control(loop, spool_, core, remote) {
    core.set_transports(local, remote);
    core.scan();
  }

  static std::shared_ptr<Spool> open(fs::Files& files, const std::string& path) {
    auto spool = Spool::open(files, path);
    REQUIRE(spool);
    return std::move(*spool);
  }

  /// Turns the loop until it holds; fails the test after 30 seconds.
  void until(const std::function<bool()>& holds) {
    const auto end = monotonic_now() + Seconds{30};
    bool held = holds();
    while (!held && monotonic_now() < end) {
      loop.turn();
      std::this_thread::sleep_for(std::chrono::microseconds{200});
      held = holds();
    }
    CHECK(held);
  }
  void turn_for(Milliseconds time) {
    const auto end = monotonic_now() + time;
    while (monotonic_now() < end) {
      loop.turn();
      std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
  }

  std::pair<std::unique_ptr<ipc::Door>, std::unique_ptr<ipc::Door>> door_pair(const std::string& name) {
    auto pair = ipc::make_pair();
    return {std::make_unique<ipc::Door>(loop, std::move(pair->first), name),
            std::make_unique<ipc::Door>(loop, std::move(pair->second), "queued")};
  }

  // smtpd ------------------------------------------------------------------------------------------------------------
  void connect_smtpd() {
    auto [ours, theirs] = door_pair("smtpd");
    smtpd = std::move(theirs);
    smtpd->on<Slots>([this](Slots slots) {
      answers_to_wants++;
      for (auto& slot : slots.slots) slots_given.push_back(std::move(slot));
    });
    smtpd->on<Committed>([this](const Committed& answer) { committed[answer.queue_id] = answer.accepted; });
    smtpd->on_close([this](const std::string&) { smtpd_closed = true; });
    smtpd->open();
    reception.add_smtpd(next_instance++, std::move(ours));
  }
  Slot take_slot() {
    if (slots_given.empty()) {
      REQUIRE(smtpd->send(WantSlots{8}));
      until([&] { return !slots_given.empty(); });
    }
    Slot slot = std::move(slots_given.back());
    slots_given.pop_back();
    return slot;
  }
  static std::string message_octets(const std::string& from, const std::vector<std::string>& to,
                                    const std::string& content, std::uint8_t notify = 0) {
    Envelope envelope;
    envelope.arrival = wall_now().time_since_epoch().count();
    envelope.reverse_path = from;
    std::vector<Recipient> recipients;
    for (const auto& address : to) {
      Recipient recipient;
      recipient.address = recipient.original_address = address;
      recipient.notify = notify;
      recipients.push_back(recipient);
    }
    auto writer = Writer::start(envelope, recipients);
    writer->append(content);
    return writer->finish("Received: by test\r\n")[0].octets;
  }
  /// A message through the front door; gives its queue id.
  std::string submit(const std::string& from, const std::vector<std::string>& to,
                     const std::string& content = "Subject: x\r\n\r\nbody\r\n", std::uint8_t notify = 0) {
    Slot slot = take_slot();
    REQUIRE(fs::system_files().write_at(slot.file.get(), message_octets(from, to, content, notify), 0));
    slot.file.reset();
    const auto queue_id = slot.queue_id;
    smtpd->send(Commit{queue_id});
    until([&] { return committed.contains(queue_id); });
    return queue_id;
  }

  // local workers ----------------------------------------------------------------------------------------------------
  bool answer_query(master::WorkerQuery query) {
    ++queries;
    loop.post([this, query] {
      master::WorkerAnswer answer;
      answer.id = query.id;
      answer.existence = unknown_accounts.contains(query.account) ? auth::Existence::unknown : auth::Existence::exists;
      if (answer.existence == auth::Existence::exists) {
        if (!worker) connect_worker();
        answer.instance = worker_instance;
        answer.system_user = system_user;
      }
      local.worker_answer(answer);
    });
    return true;
  }
  void connect_worker() {
    auto [ours, theirs] = door_pair("local");
    worker = std::move(theirs);
    worker->on<Deliver>([this](Deliver deliver) {
      deliveries.push_back(deliver.queue_id);
      last_content_only = deliver.content_only;
      if (on_deliver) return on_deliver(std::move(deliver));
      answer_delivery(deliver);
    });
    worker->on<MayEnd>([this](MayEnd) { may_end = true; });
    worker->on_close([this](const std::string&) { loop.post([this] { worker.reset(); }); });
    worker->open();
    worker_instance = next_instance++;
    local.add_worker(worker_instance, std::move(ours));
  }
  void answer_delivery(const Deliver& deliver) {
    Delivered answer;
    answer.id = deliver.id;
    for (const auto& recipient : deliver.recipients) {
      const bool fails = failing_accounts.contains(recipient.account);
      const bool waits = !fails && deferring_accounts.contains(recipient.account);
      if (!fails && !waits) mailboxes[recipient.account].push_back(deliver.queue_id);
      last_content = *read_all(deliver.message, deliver.content_only);
      answer.results.push_back({recipient.number,
                                fails   ? Fate::failed
                                : waits ? Fate::deferred
                                        : Fate::delivered,
                                fails   ? "5.2.2"
                                : waits ? "4.2.0"
                                        : "2.0.0",
                                fails   ? "mailbox full"
                                : waits ? "locked"
                                        : "delivered to maildir",
                                "local", false});
    }
    worker->send(std::move(answer));
  }
  static Result<std::string> read_all(const Fd& file, bool content_only) {
    if (content_only) return fs::read_sealed(file.get());
    auto content = Content::open(fs::system_files(), file.get());
    if (!content) return fail(content);
    std::string out;
    while (out.size() < content->size()) out += *content->read(out.size(), 1 << 20);
    return out;
  }

  // remote -----------------------------------------------------------------------------------------------------------
  void connect_remote() {
    auto [ours, theirs] = door_pair("remote");
    remote_end = std::move(theirs);
    remote_end->on<Resolve>([this](const Resolve& question) {
      ++resolves;
      Resolved answer = on_resolve ? on_resolve(question) : Resolved{};
      if (!on_resolve) {
        answer.outcome = DnsOutcome::found;
        answer.lifetime = 600;
        answer.hosts = {{"mx." + question.domain, 10, {"192.0.2.1"}, false}};
      }
      answer.id = question.id;
      remote_end->send(answer);
    });
    remote_end->on<Attempt>([this](Attempt attempt) {
      attempts.push_back(attempt.queue_id);
      if (on_attempt) return on_attempt(std::move(attempt));
      answer_attempt(attempt, Fate::delivered);
    });
    remote_end->open();
    remote.add_remote(next_instance++, std::move(ours));
  }
  void answer_attempt(const Attempt& attempt, Fate fate, bool site_dead = false) {
    Attempted answer;
    answer.id = attempt.id;
    answer.site_dead = site_dead;
    for (const auto& recipient : attempt.recipients) {
      const auto& target = attempt.targets.front();
      if (fate == Fate::delivered) sent.push_back(recipient.address);
      answer.results.push_back({recipient.number, fate,
                                fate == Fate::delivered ? "2.0.0"
                                : fate == Fate::failed  ? "5.1.1"
                                                        : "4.4.1",
                                fate == Fate::delivered ? "250 2.0.0 Ok: queued as X"
                                : fate == Fate::failed  ? "550 5.1.1 No such user"
                                                        : "connect to " + target.host + ": Connection refused",
                                target.host + "[" + target.ip + "]:" + std::to_string(target.port),
                                fate != Fate::deferred});
    }
    remote_end->send(std::move(answer));
  }

  LogFile log;
  loop::Loop loop;

 private:
  std::shared_ptr<Spool> spool_;

 public:
  Core core;
  LocalDelivery local;
  RemoteDelivery remote;
  Reception reception;
  Control control;

  std::uint32_t next_instance = 1;
  std::unique_ptr<ipc::Door> smtpd;
  std::vector<Slot> slots_given;
  int answers_to_wants = 0;
  std::map<std::string, bool> committed;
  bool smtpd_closed = false;

  std::unique_ptr<ipc::Door> worker;
  std::uint32_t worker_instance = 0;
  int queries = 0;
  bool system_user = false;
  bool may_end = false;
  bool last_content_only = false;
  std::string last_content;
  std::vector<std::string> deliveries;
  std::set<std::string> unknown_accounts, failing_accounts, deferring_accounts;
  std::map<std::string, std::vector<std::string>> mailboxes;
  std::function<void(Deliver)> on_deliver;

  std::unique_ptr<ipc::Door> remote_end;
  int resolves = 0;
  std::vector<std::string> attempts;
  std::vector<std::string> sent;
  std::function<Resolved(const Resolve&)> on_resolve;
  std::function<void(Attempt)> on_attempt;
};

}  // namespace facteur::queue
