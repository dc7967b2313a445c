// Tombstones: a bounded list that forgets its older half.
#include "common/store/uids/tombstones.h"

#include <algorithm>

namespace facteur::store {

void Tombstones::start(std::uint64_t modseq) {
  since_ = modseq;
  all_.clear();
}

void Tombstones::add(std::uint64_t modseq, Uid uid) {
  if (!since_ || modseq <= *since_) return;
  if (!all_.empty() && all_.back().modseq == modseq && all_.back().uids.last + 1 == uid) {
    all_.back().uids.last = uid;
    return;
  }
  if (all_.size() == most) {
    const auto half = all_.begin() + most / 2;
    since_ = std::prev(half)->modseq;
    all_.erase(all_.begin(), half);
  }
  all_.push_back({modseq, {uid, uid}});
}

std::optional<std::vector<UidRange>> Tombstones::after(std::uint64_t modseq) const {
  if (!since_ || modseq < *since_) return std::nullopt;
  std::vector<UidRange> gone;
  for (auto at = std::ranges::upper_bound(all_, modseq, {}, &Tombstone::modseq); at != all_.end(); ++at) {
    gone.push_back(at->uids);
  }
  std::ranges::sort(gone, {}, &UidRange::first);
  std::vector<UidRange> out;
  for (const auto& range : gone) {
    if (!out.empty() && out.back().last + 1 == range.first) {
      out.back().last = range.last;
    } else {
      out.push_back(range);
    }
  }
  return out;
}

bool Tombstones::restore(std::uint64_t known_since, std::vector<Tombstone> all) {
  auto before = known_since;
  for (const auto& [modseq, uids] : all) {
    // Of those with the mod-sequence up to which some were forgotten others may be left.
    if (modseq < before || uids.first == 0 || uids.first > uids.last) return false;
    before = modseq;
  }
  if (all.size() > most) return false;
  since_ = known_since;
  all_ = std::move(all);
  return true;
}

}  // namespace facteur::store
