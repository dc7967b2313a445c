// libuv's side of the loop, for the sources of this library alone.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <uv.h>

#include "common/loop/loop.h"

namespace facteur::loop {

struct Loop::Impl {
  uv_loop_t loop{};
  uv_idle_t idle{};  ///< runs what was posted
  std::deque<std::function<void()>> posted;
  std::list<std::pair<uv_signal_t, std::function<void()>>> signals;
};

}  // namespace facteur::loop
