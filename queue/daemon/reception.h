// How messages come in: slots for smtpd ahead of need, and commits (FORMAT.md, "Who writes when").
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/ipc/door.h"
#include "queue/daemon/core.h"

namespace facteur::queue {

/// The doors to the smtpd processes.
class Reception {
 public:
  Reception(loop::Loop& loop, std::shared_ptr<Spool> spool, Core& core, const Options& options);
  ~Reception();

  void set_options(const Options& options);
  /// master made us a door to an smtpd.
  void add_smtpd(std::uint32_t instance, std::unique_ptr<ipc::Door> door);
  /// No more slots: the process is about to end. What is written may still be committed.
  void stop() { stopping_ = true; }

  /// Slots that one smtpd may hold; a request beyond them ends its door.
  static constexpr std::size_t most_slots = 4096;
  static constexpr std::size_t slots_per_message = 32;

 private:
  struct Smtpd {
    std::unique_ptr<ipc::Door> door;
    std::unordered_set<std::string> slots;  ///< given, neither committed nor discarded
    std::size_t coming = 0;                 ///< wanted and not given yet
  };
  struct Want {
    std::uint32_t instance = 0;
    std::size_t count = 0;
  };

  void want_slots(std::uint32_t instance, std::size_t count);
  void serve();
  void give(Smtpd& smtpd, std::size_t count);
  void refill();
  void refilled(Result<std::vector<NewSlot>> made);
  void refuse();
  void look_for_space();
  void looked(const Result<>& space);
  void commit(std::uint32_t instance, const std::string& queue_id);
  void committed(std::uint32_t instance, const std::string& queue_id, Result<Loaded> loaded);
  void discard(std::uint32_t instance, const std::vector<std::string>& queue_ids);
  void closed(std::uint32_t instance, const std::string& why);
  void remove(std::string queue_id);

  std::shared_ptr<Spool> spool_;
  Core& core_;
  std::uint64_t minfree_;
  QueueIds queue_ids_;
  std::unordered_map<std::uint32_t, Smtpd> smtpds_;
  std::deque<NewSlot> stock_;  ///< made ahead: one sync of the folder for many
  std::deque<Want> wants_;
  bool refilling_ = false;
  bool looking_ = false;  ///< for space: what wants slots waits for the answer
  bool full_ = false;     ///< told already
  bool stopping_ = false;
  loop::Timer timer_;
  Pool pool_;
  Batcher<std::string, Result<Loaded>> commits_;
  Batcher<std::string, Result<>> removals_;
};

}  // namespace facteur::queue
