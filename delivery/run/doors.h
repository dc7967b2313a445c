// The door of local-run: what the one worker that it was started for may ask of it. No path crosses it: both know the
// mbox from master.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "common/ipc/message.h"

namespace facteur::run {

/// From the worker: one attempt at the dotlock beside the mbox. Answered by Locked, before the next message.
struct Lock {
  static constexpr std::uint16_t type = 1;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};
enum class Outcome : std::uint8_t {
  taken,
  held,    ///< by another program, or by the worker itself
  none,    ///< none can be had in that folder: `text` says why
  failed,  ///< and may be had later: `text` says why
};
struct Locked {
  static constexpr std::uint16_t type = 2;
  Outcome outcome = Outcome::failed;
  std::string text;
  auto fields() { return std::tie(outcome, text); }
};
/// From the worker, which was told `taken`: it is over. The end of the door says the same. Answered by Unlocked: what
/// the worker does next must not find its own lock.
struct Unlock {
  static constexpr std::uint16_t type = 3;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};
struct Unlocked {
  static constexpr std::uint16_t type = 4;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

}  // namespace facteur::run
