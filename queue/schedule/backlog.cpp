#include "queue/schedule/backlog.h"

#include <algorithm>

namespace facteur::queue {

void Backlog::put(const std::string& queue_id, MonotonicTime due) {
  const auto [place, added] = places_.try_emplace(queue_id, heap_.size());
  if (!added) {
    move(queue_id, due);
    return;
  }
  heap_.push_back({due, &place->first});
  up(heap_.size() - 1);
}

bool Backlog::move(const std::string& queue_id, MonotonicTime due) {
  const auto place = places_.find(queue_id);
  if (place == places_.end()) return false;
  heap_[place->second].due = due;
  up(place->second);
  down(place->second);
  return true;
}

bool Backlog::erase(const std::string& queue_id) {
  const auto place = places_.find(queue_id);
  if (place == places_.end()) return false;
  take_out(place->second);
  places_.erase(place);
  return true;
}

std::optional<std::string> Backlog::pop(MonotonicTime now) {
  if (heap_.empty() || heap_.front().due > now) return std::nullopt;
  std::string queue_id = *heap_.front().queue_id;
  erase(queue_id);
  return queue_id;
}

std::optional<MonotonicTime> Backlog::next_due() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due;
}

void Backlog::flush(MonotonicTime now) {
  // Lowering every key to at most `now` keeps the heap's order.
  for (auto& entry : heap_) entry.due = std::min(entry.due, now);
}

void Backlog::place(std::size_t at, Entry entry) {
  heap_[at] = entry;
  places_.find(*entry.queue_id)->second = at;
}

void Backlog::up(std::size_t at) {
  const Entry entry = heap_[at];
  while (at > 0 && entry.due < heap_[(at - 1) / 2].due) {
    place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  place(at, entry);
}

void Backlog::down(std::size_t at) {
  const Entry entry = heap_[at];
  for (;;) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].due < heap_[child].due) ++child;
    if (entry.due <= heap_[child].due) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

void Backlog::take_out(std::size_t at) {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  place(at, last);
  up(at);
  down(places_.find(*last.queue_id)->second);
}

}  // namespace facteur::queue
