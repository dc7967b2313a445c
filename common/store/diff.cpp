// What happened between two snapshots: one walk over both, since records are in the order of their UIDs.
#include <algorithm>

#include "common/store/mailbox.h"

namespace facteur::store {

Changes diff(const Snapshot& before, const Snapshot& after) {
  Changes changes;
  const auto number = [](std::size_t index) { return static_cast<std::uint32_t>(index + 1); };
  std::size_t old = 0;
  std::size_t now = 0;
  while (old < before.records.size()) {
    const Uid uid = before.records[old].uid;
    while (now < after.records.size() && after.records[now].uid < uid) ++now;
    if (now < after.records.size() && after.records[now].uid == uid) {
      if (after.records[now].flags != before.records[old].flags) changes.flags.push_back(number(now));
      ++now;
    } else {
      changes.expunged.push_back(number(old));
    }
    ++old;
  }
  std::ranges::reverse(changes.expunged);
  const auto kept = before.records.size() - changes.expunged.size();
  changes.added = static_cast<std::uint32_t>(after.records.size() - kept);
  return changes;
}

}  // namespace facteur::store
