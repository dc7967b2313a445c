// The door to queued: slots ahead of need, commits, and what becomes of both when the door breaks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/fs/files.h"
#include "common/ipc/door.h"
#include "common/loop/loop.h"
#include "queue/doors.h"
#include "smtpd/session/services.h"

namespace facteur::smtpd {

/// Opens messages in slots that queued has made before they are needed, so that reception waits for no round trip. A
/// slot dies with the door that it came through. It outlives the Receptions that it gives.
class QueueDoor final : public Queue {
 public:
  QueueDoor(loop::Loop& loop, fs::Files& files);

  /// A new door to queued; what was pending on the old one has failed for now.
  void connect(std::unique_ptr<ipc::Door> door);

  [[nodiscard]] Ticket open(queue::Envelope envelope, std::vector<queue::Recipient> recipients,
                            std::function<void(Opened)> callback) override;

  /// For Receptions: the number of the door, by which they know that their slot is dead.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// Expired once this object is gone: files are given back from the work pool, perhaps later than that.
  [[nodiscard]] std::weak_ptr<void> alive() const { return alive_; }
  /// Gives a synced and closed message to queued.
  [[nodiscard]] Ticket commit(const std::string& queue_id, std::uint64_t generation,
                              std::function<void(Result<>)> callback);
  /// Tells queued that a slot was not used. Many travel in one message.
  void discard(std::string queue_id, std::uint64_t generation);

  /// Slots kept ahead of need: `least_slots`, and twice as many each time that somebody had to wait, up to
  /// `most_slots`.
  static constexpr std::size_t least_slots = 8;
  static constexpr std::size_t most_slots = 128;
  /// How long a message waits for a slot: long enough for queued to come back.
  static constexpr Seconds slot_wait{10};

 private:
  struct Waiting {
    queue::Envelope envelope;
    std::vector<queue::Recipient> recipients;
    Answer<Opened> answer;
    MonotonicTime since;
  };

  void broken(const std::string& why);
  void take(queue::Slots slots);
  void committed(const queue::Committed& answer);
  void hand_out();
  void give(Waiting waiting);
  void want_more();
  void fail_late();
  void no_room(bool recalled);
  void send_discarded();

  loop::Loop& loop_;
  fs::Files& files_;
  std::unique_ptr<ipc::Door> door_;
  std::uint64_t generation_ = 0;
  std::deque<queue::Slot> slots_;
  std::deque<Waiting> waiting_;
  std::size_t target_ = least_slots;
  std::size_t asked_ = 0;  ///< slots that were asked for and have not come
  std::unordered_map<std::string, Answer<Result<>>> commits_;
  std::vector<std::string> discarded_;
  loop::Timer timer_;
  bool handing_out_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace facteur::smtpd
