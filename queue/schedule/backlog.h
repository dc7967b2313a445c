// The messages that are on disk only: their names, and when each is to be looked at.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/time.h"

namespace facteur::queue {

/// A timer heap of queue ids, each there once. About a hundred octets a message: a million wait in 100 MB.
class Backlog {
 public:
  /// Adds a message, or moves it to another time.
  void put(const std::string& queue_id, MonotonicTime due);
  /// Moves a message to another time if it is there.
  bool move(const std::string& queue_id, MonotonicTime due);
  bool erase(const std::string& queue_id);
  /// Takes the first message that is due.
  [[nodiscard]] std::optional<std::string> pop(MonotonicTime now);
  /// When the first one is due.
  [[nodiscard]] std::optional<MonotonicTime> next_due() const;
  [[nodiscard]] bool contains(const std::string& queue_id) const { return places_.contains(queue_id); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  /// All are due at `now`, in the order in which they would have been.
  void flush(MonotonicTime now);

 private:
  struct Entry {
    MonotonicTime due;
    const std::string* queue_id;  ///< the key in places_, which does not move
  };
  void place(std::size_t at, Entry entry);
  void up(std::size_t at);
  void down(std::size_t at);
  void take_out(std::size_t at);

  std::vector<Entry> heap_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace facteur::queue
