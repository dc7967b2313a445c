// Waiting on a loop for what is to come.
#pragma once

#include <functional>
#include <thread>

#include "common/base/time.h"
#include "common/loop/loop.h"

namespace facteur::auth {

/// Turns the loop until it holds; false after 30 seconds.
inline bool turn_until(loop::Loop& loop, const std::function<bool()>& holds) {
  for (const auto end = monotonic_now() + Seconds{30}; monotonic_now() < end;) {
    loop.turn();
    if (holds()) return true;
    std::this_thread::sleep_for(Milliseconds{1});
  }
  return false;
}

}  // namespace facteur::auth
