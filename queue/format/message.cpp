#include "queue/format/message.h"

#include <algorithm>

namespace facteur::queue {
namespace {

Standing standing_after(RecordKind kind) {
  switch (kind) {
    case RecordKind::delivered: return Standing::delivered;
    case RecordKind::failed: return Standing::failed;
    case RecordKind::expanded: return Standing::expanded;
    default: return Standing::pending;
  }
}

bool is_event(RecordKind kind) {
  return kind == RecordKind::delivered || kind == RecordKind::deferred || kind == RecordKind::failed ||
         kind == RecordKind::expanded;
}

}  // namespace

std::size_t Message::pending() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      recipients, [](const RecipientState& state) { return state.standing == Standing::pending; }));
}

bool LogReplay::apply(const Record& record) {
  if (record.kind == RecordKind::recipient) return add(record);
  if (!is_event(record.kind)) return false;
  if (!added_.empty() && record.kind != RecordKind::expanded) return false;
  const auto event = ipc::from_octets<Event>(std::string(record.payload));
  return event && settle(*event, record.kind);
}

bool LogReplay::add(const Record& record) {
  auto recipient = ipc::from_octets<Recipient>(std::string(record.payload));
  if (!recipient) return false;
  const auto known = message_.recipients.size() + added_.size();
  const bool sound = recipient->number == known + 1 && known < 2 * max_recipients && recipient->parent >= 1 &&
                     recipient->parent <= message_.recipients.size();
  if (sound) added_.push_back(std::move(*recipient));
  return sound;
}

bool LogReplay::settle(const Event& event, RecordKind kind) {
  const auto known = message_.recipients.size();
  const bool sound =
      std::ranges::all_of(event.outcomes, [&](const Outcome& o) { return o.number >= 1 && o.number <= known; });
  if (!sound) return false;
  for (auto& recipient : added_) message_.recipients.push_back({std::move(recipient), Standing::pending, {}, {}});
  added_.clear();
  for (const auto& outcome : event.outcomes) {
    auto& state = message_.recipients[outcome.number - 1];
    if (state.standing != Standing::pending) continue;
    state.standing = standing_after(kind);
    state.status = outcome.status;
    state.reason = outcome.reason;
  }
  if (kind == RecordKind::deferred) {
    message_.next_attempt = event.next_attempt;
    ++message_.attempts;
  }
  return true;
}

}  // namespace facteur::queue
