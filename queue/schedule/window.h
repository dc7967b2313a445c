// How many attempts may run at one site at a time: grows while they reach it, shrinks while they do not.
#pragma once

#include <cstddef>

namespace facteur::queue {

/// The window of one site. A success is worth 1/N of the window N, so that it grows by one when a whole window
/// succeeded, and a failure to connect shrinks it alike. What was gathered one way is forgotten at the first event of
/// the other kind (hysteresis): a site that answers now and then keeps its window.
class Window {
 public:
  Window(std::size_t initial, std::size_t most) : size_(initial) { set_bounds(initial, most); }
  void set_bounds(std::size_t initial, std::size_t most);

  [[nodiscard]] std::size_t size() const { return size_; }
  /// No attempt has failed since the last that succeeded.
  [[nodiscard]] bool untroubled() const { return cohort_ == 0; }
  void succeeded();
  /// True when so many attempts in a row could not connect that the site is dead.
  [[nodiscard]] bool failed();
  /// After a death one attempt at a time looks whether the site is back.
  void probe();

 private:
  std::size_t size_;
  std::size_t initial_ = 0;
  std::size_t most_ = 0;
  double gained_ = 0;
  double lost_ = 0;
  double cohort_ = 0;  ///< failures in a row, in windows
};

}  // namespace facteur::queue
