// Watches one descriptor for reading and writing.
#pragma once

#include <functional>

#include "common/loop/loop.h"

namespace facteur::loop {

/// Tells when a descriptor is ready. It does not own the descriptor, which must outlive the watching.
class Poll {
 public:
  using Handler = std::function<void(bool readable, bool writable)>;

  explicit Poll(Loop& loop);
  ~Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  /// Watches `fd` from now on; errors and hang-ups are told as readable. The handler may destroy the Poll.
  void watch(int fd, bool readable, bool writable, Handler handler);
  /// Changes what is watched for; both false pauses.
  void change(bool readable, bool writable);
  /// Stops watching: before the descriptor is closed or given away.
  void stop();

 private:
  struct Impl;
  Impl* impl_ = nullptr;  ///< freed by libuv's close callback
  Loop& loop_;
};

}  // namespace facteur::loop
