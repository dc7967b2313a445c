// Delivery to other hosts: asks `remote` who takes the mail of a domain, judges the answer, and hands it attempts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/ipc/door.h"
#include "queue/daemon/core.h"
#include "queue/daemon/lookups.h"
#include "queue/schedule/mx.h"
#include "queue/schedule/next_hop.h"

namespace facteur::queue {

/// The door to `remote`, and all that waits for it. Of several processes (generations) the newest gets new work.
class RemoteDelivery final : public Transport {
 public:
  RemoteDelivery(loop::Loop& loop, Core& core, const Options& options, MxRules rules);
  ~RemoteDelivery() override;

  void set_options(const Options& options);
  void take(Active& message, const Groups& groups) override;
  void wait_for(const std::string& site, const std::string& queue_id) override;

  /// master made us a door to a `remote`.
  void add_remote(std::uint32_t instance, std::unique_ptr<ipc::Door> door);
  /// Everything is to be tried now, dead sites too.
  void revive() { scheduler_.revive(); }
  /// Forgets what is old, gives up what is not answered; every minute or so.
  void sweep();

 private:
  struct Pending {
    std::uint64_t message = 0;
    std::uint32_t instance = 0;
    std::string site;
    std::vector<std::uint32_t> numbers;
    AttemptTimes times;
  };
  /// A site at which somebody waits.
  struct Site {
    Exchange exchange;
    std::uint16_t port = 25;
  };

  [[nodiscard]] NextHop hop_for(const std::string& domain) const;
  void resolved(std::uint64_t message, const NextHop& hop, const std::vector<std::uint32_t>& numbers,
                const Resolved& answer);
  void wait_at(std::uint64_t message, const Exchange& exchange, std::uint16_t port,
               const std::vector<std::uint32_t>& numbers);
  bool ask(std::uint64_t id, const std::string& key);
  void pump();
  void start(Scheduler::Batch batch);
  void attempted(std::uint32_t instance, Attempted message);
  void lost(std::uint64_t id, const std::string& why);
  /// `dead` is a copy: reports may change the scheduler.
  void suspend(const std::vector<Scheduler::Batch>& batches, Scheduler::Dead dead);
  void remote_closed(std::uint32_t instance, const std::string& why);
  void forget_if_idle(const std::string& site);
  [[nodiscard]] ipc::Door* newest();

  Core& core_;
  Options options_;
  MxRules rules_;
  Scheduler scheduler_;
  Lookups<Resolved> answers_;
  std::map<std::uint32_t, std::unique_ptr<ipc::Door>> remotes_;  ///< by instance: the last is the newest
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::unordered_map<std::string, Site> sites_;
  std::uint64_t next_id_ = 1;
  bool posted_ = false;
  Pool pool_;
};

}  // namespace facteur::queue
