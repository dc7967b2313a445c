// Removing what deliveries that were cut off left in tmp/ (https://cr.yp.to/proto/maildir.html: after 36 hours).
#pragma once

#include "common/base/time.h"
#include "common/fs/files.h"

namespace facteur::store {

/// Age at which a file in tmp/ belongs to nobody.
constexpr Seconds abandoned_after{36 * 3600};

/// Removes files of the open folder tmp/ that were neither read, written nor renamed for so long. Nothing is removed
/// while the wall clock has moved by more than an hour against the monotonic one since this process first looked: then
/// ages mean nothing, and a file may be a live delivery's (TORTURE MDR-06). Returns how many went.
std::size_t sweep_tmp(int tmp, fs::Files& files, WallTime now = wall_now());

}  // namespace facteur::store
