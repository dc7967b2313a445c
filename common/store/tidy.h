// What a worker does for its mailboxes from time to time, and when it ends.
#pragma once

#include "common/base/time.h"

namespace facteur::store {

/// Writes what is known of large mailboxes into their indexes, so that the next process need not read them, and closes
/// the indexes that nobody asked for so long: an environment that is open holds three descriptors and 50 KB. Blocks on
/// files: for a work pool.
void tidy(Seconds unused);

}  // namespace facteur::store
