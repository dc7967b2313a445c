// Delivery into mailboxes of ours: finds the worker of an account through master, and hands messages to it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/ipc/door.h"
#include "master/doors.h"
#include "queue/daemon/core.h"
#include "queue/daemon/lookups.h"

namespace facteur::queue {

/// All local workers that queued has a door to.
class LocalDelivery final : public Transport {
 public:
  /// `ask_master` sends a question to master; false if it cannot be sent now.
  using AskMaster = std::function<bool(master::WorkerQuery)>;

  LocalDelivery(loop::Loop& loop, Core& core, const Options& options, AskMaster ask_master);
  ~LocalDelivery() override;

  void take(Active& message, const Groups& groups) override;
  void wait_for(const std::string&, const std::string&) override {}

  /// master made us a door to a worker.
  void add_worker(std::uint32_t instance, std::unique_ptr<ipc::Door> door);
  void worker_answer(master::WorkerAnswer answer);
  /// The tables changed: what is known of accounts may be wrong.
  void forget_accounts();
  /// Gives up what is not answered; every minute or so.
  void sweep();

 private:
  struct Pending {
    std::uint64_t message = 0;
    std::uint32_t instance = 0;
    std::string site;
    std::vector<std::uint32_t> numbers;
    AttemptTimes times;
  };

  void found(std::uint64_t message, const std::vector<std::uint32_t>& numbers, const master::WorkerAnswer& answer);
  void pump();
  void start(Scheduler::Batch batch);
  void send(std::uint64_t id, Fd content, bool content_only);
  void lost(std::uint64_t id, const std::string& why);
  void delivered(std::uint32_t instance, Delivered message);
  void want_end(std::uint32_t instance);
  void worker_closed(std::uint32_t instance, const std::string& why);
  [[nodiscard]] bool must_hide(const Active& message, const Pending& pending) const;

  loop::Loop& loop_;
  Core& core_;
  Scheduler scheduler_;
  Lookups<master::WorkerAnswer> accounts_;
  std::unordered_map<std::uint32_t, std::unique_ptr<ipc::Door>> workers_;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::unordered_map<std::uint32_t, bool> system_users_;  ///< by instance: it serves one system user
  std::uint64_t next_id_ = 1;
  bool posted_ = false;
  Pool pool_;
};

}  // namespace facteur::queue
