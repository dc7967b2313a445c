// For lines whose cause may come thousands of times a second: one of them in a minute says enough.
#pragma once

#include "common/base/time.h"

namespace facteur::log {

class Seldom {
 public:
  static constexpr Seconds pause{60};

  /// True when the line is to be written: `pause` after the last one, or later.
  [[nodiscard]] bool due(MonotonicTime now) {
    if (told_ && now - last_ < pause) return false;
    told_ = true;
    last_ = now;
    return true;
  }

 private:
  MonotonicTime last_{};
  bool told_ = false;
};

}  // namespace facteur::log
