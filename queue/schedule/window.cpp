#include "queue/schedule/window.h"

#include <algorithm>

namespace facteur::queue {
namespace {

constexpr double almost_one = 1 - 1e-9;  // thirds and fifths do not add up to one in binary

}  // namespace

void Window::set_bounds(std::size_t initial, std::size_t most) {
  most_ = most;
  initial_ = std::min(initial, most);
  size_ = std::min(size_, most);
}

void Window::succeeded() {
  cohort_ = 0;
  lost_ = 0;
  // A site that was down and answers is as good as a new one.
  if (size_ < initial_) size_ = initial_;
  gained_ += 1.0 / static_cast<double>(size_);
  if (gained_ < almost_one) return;
  gained_ = 0;
  size_ = std::min(size_ + 1, most_);
}

bool Window::failed() {
  gained_ = 0;
  cohort_ += 1.0 / static_cast<double>(size_);
  lost_ += 1.0 / static_cast<double>(size_);
  if (lost_ >= almost_one) {
    lost_ = 0;
    size_ = std::max<std::size_t>(size_ - 1, 1);
  }
  return cohort_ >= almost_one;
}

void Window::probe() {
  size_ = 1;
  gained_ = lost_ = cohort_ = 0;
}

}  // namespace facteur::queue
