// Sweeping tmp/.
#include "common/store/maildir/sweep.h"

#include <algorithm>

namespace facteur::store {
namespace {

constexpr Seconds allowed_drift{3600};

/// True if the wall clock went on as the monotonic one did since the first call.
bool clock_is_steady(WallTime now) {
  static const WallTime first_wall = wall_now();
  static const MonotonicTime first_monotonic = monotonic_now();
  const auto drift = (now - first_wall) - (monotonic_now() - first_monotonic);
  return drift < allowed_drift && drift > -allowed_drift;
}

}  // namespace

std::size_t sweep_tmp(int tmp, fs::Files& files, WallTime now) {
  if (!clock_is_steady(now)) return 0;
  const auto limit = std::chrono::duration_cast<Seconds>((now - abandoned_after).time_since_epoch()).count();
  std::size_t removed = 0;
  for (const auto& name : files.list(tmp, ".").value_or(std::vector<std::string>())) {
    const auto status = files.status_at(tmp, name);
    if (!status || !S_ISREG(status->st_mode)) continue;
    const auto youngest = std::max({status->st_atim.tv_sec, status->st_mtim.tv_sec, status->st_ctim.tv_sec});
    if (youngest < limit && files.unlink(tmp, name)) ++removed;
  }
  return removed;
}

}  // namespace facteur::store
