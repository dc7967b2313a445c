#include "smtpd/server/queue_door.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/log/log.h"
#include "smtpd/server/spool_reception.h"

namespace facteur::smtpd {
namespace {

constexpr Milliseconds late_check{500};
constexpr std::size_t slots_a_message = 32;
/// Queue ids of one Discard: a message of 64 KiB holds 2,700.
constexpr std::size_t max_discarded_at_once = 1000;

}  // namespace

QueueDoor::QueueDoor(loop::Loop& loop, fs::Files& files) : loop_(loop), files_(files), timer_(loop) {
}

void QueueDoor::connect(std::unique_ptr<ipc::Door> door) {
  if (door_) broken("a new door came");
  ++generation_;
  door_ = std::move(door);
  door_->on<queue::Slots>([this](queue::Slots slots) { take(std::move(slots)); });
  door_->on<queue::Committed>([this](const queue::Committed& answer) { committed(answer); });
  door_->on_close([this](const std::string& why) {
    log::warning("door to queued: {}", why);
    // Not from within the door's own handler.
    loop_.post([this, generation = generation_, why] {
      if (generation == generation_ && door_) broken(why);
    });
  });
  door_->open();
  want_more();
}

void QueueDoor::broken(const std::string& why) {
  ++generation_;
  door_.reset();
  slots_.clear();
  discarded_.clear();
  asked_ = 0;
  auto commits = std::exchange(commits_, {});
  for (auto& [queue_id, answer] : commits) answer(fail(Kind::temporary, "queued did not answer: " + why));
}

Ticket QueueDoor::open(queue::Envelope envelope, std::vector<queue::Recipient> recipients,
                       std::function<void(Opened)> callback) {
  auto [ticket, answer] = ask<Opened>(std::move(callback));
  waiting_.push_back({std::move(envelope), std::move(recipients), std::move(answer), monotonic_now()});
  if (!std::exchange(handing_out_, true)) {
    loop_.post([this] {
      handing_out_ = false;
      hand_out();
    });
  }
  if (!timer_.running()) timer_.repeat(late_check, [this] { fail_late(); });
  return std::move(ticket);
}

void QueueDoor::hand_out() {
  while (!waiting_.empty() && !slots_.empty()) {
    auto waiting = std::move(waiting_.front());
    waiting_.pop_front();
    if (waiting.answer.wanted()) give(std::move(waiting));
  }
  if (!waiting_.empty() && door_) target_ = std::min(2 * target_, most_slots);
  want_more();
}

void QueueDoor::give(Waiting waiting) {
  auto writer = queue::Writer::start(waiting.envelope, std::move(waiting.recipients));
  if (!writer) return waiting.answer(fail(writer));
  auto slot = std::move(slots_.front());
  slots_.pop_front();
  auto file = std::make_shared<SlotFile>(loop_, files_, std::move(slot.file));
  waiting.answer(
      std::make_unique<SpoolReception>(*this, std::move(slot.queue_id), std::move(file), std::move(*writer)));
}

void QueueDoor::want_more() {
  const auto have = slots_.size() + asked_;
  if (!door_ || have > target_ / 2) return;  // many at a time
  const auto count = std::min(target_ - have, slots_a_message);
  if (door_->send(queue::WantSlots{static_cast<std::uint32_t>(count)})) asked_ += count;
}

void QueueDoor::take(queue::Slots slots) {
  asked_ -= std::min<std::size_t>(asked_, slots.asked);
  if (slots.slots.empty()) return no_room(slots.asked == 0);
  for (auto& slot : slots.slots) {
    // A descriptor that was lost on the way (MSG_CTRUNC) leaves a slot that nobody can write to.
    if (slot.file) {
      slots_.push_back(std::move(slot));
    } else {
      discard(std::move(slot.queue_id), generation_);
    }
  }
  hand_out();
}

/// The next message asks again: asking at once would only be told the same.
void QueueDoor::no_room(bool recalled) {
  if (recalled) {
    for (auto& slot : std::exchange(slots_, {})) discard(std::move(slot.queue_id), generation_);
  }
  auto waiting = std::exchange(waiting_, {});
  for (auto& one : waiting) one.answer(fail_errno("the queue has no room for messages", ENOSPC));
}

void QueueDoor::fail_late() {
  const auto limit = monotonic_now() - slot_wait;
  while (!waiting_.empty() && (waiting_.front().since < limit || !waiting_.front().answer.wanted())) {
    auto waiting = std::move(waiting_.front());
    waiting_.pop_front();
    waiting.answer(fail(Kind::temporary, "queued gave no slot"));
  }
  if (waiting_.empty()) timer_.stop();
}

Ticket QueueDoor::commit(const std::string& queue_id, std::uint64_t generation,
                         std::function<void(Result<>)> callback) {
  auto [ticket, answer] = ask<Result<>>(std::move(callback));
  if (generation == generation_ && door_ && door_->send(queue::Commit{queue_id})) {
    commits_.insert_or_assign(queue_id, std::move(answer));
  } else {
    loop_.post([answer = std::move(answer)]() mutable { answer(fail(Kind::temporary, "the door to queued broke")); });
  }
  return std::move(ticket);
}

void QueueDoor::committed(const queue::Committed& message) {
  auto found = commits_.extract(message.queue_id);
  if (found.empty()) return;
  if (message.accepted) return found.mapped()(Result<>{});
  found.mapped()(fail(Kind::temporary, "queued refused it: " + message.text));
}

void QueueDoor::discard(std::string queue_id, std::uint64_t generation) {
  if (generation != generation_ || !door_) return;
  discarded_.push_back(std::move(queue_id));
  if (discarded_.size() == 1) loop_.post([this] { send_discarded(); });
}

void QueueDoor::send_discarded() {
  while (!discarded_.empty() && door_) {
    const auto count = std::min(discarded_.size(), max_discarded_at_once);
    const auto first = discarded_.end() - static_cast<std::ptrdiff_t>(count);
    (void)door_->send(queue::Discard{{first, discarded_.end()}});
    discarded_.erase(first, discarded_.end());
  }
}

}  // namespace facteur::smtpd
