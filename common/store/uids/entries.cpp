// The messages of a UID list.
#include "common/store/uids/entries.h"

#include <algorithm>
#include <functional>

namespace facteur::store {

std::uint32_t UidEntries::hash_of(std::string_view base) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(base));
}

std::vector<UidEntry>::iterator UidEntries::lower_bound(Uid uid) {
  return std::ranges::lower_bound(entries_, uid, {}, &UidEntry::uid);
}

/// The slot of a name, or the unused one at which the search for it ends. There is a table, and it has unused slots.
std::size_t UidEntries::slot_of(std::string_view base, std::uint32_t hash) const {
  const auto mask = slots_.size() - 1;
  auto at = hash & mask;
  for (;; at = (at + 1) & mask) {
    const auto& slot = slots_[at];
    if (slot.number == unused) return at;
    if (slot.hash == hash && slot.number != left && entries_[slot.number].base == base) return at;
  }
}

const UidEntry* UidEntries::find(std::string_view base) const {
  if (slots_.empty()) return nullptr;
  const auto& slot = slots_[slot_of(base, hash_of(base))];
  return slot.number == unused ? nullptr : &entries_[slot.number];
}

UidEntry* UidEntries::find(std::string_view base) {
  return const_cast<UidEntry*>(std::as_const(*this).find(base));
}

UidEntry* UidEntries::find(Uid uid) {
  const auto at = lower_bound(uid);
  return at == entries_.end() || at->uid != uid || at->removed ? nullptr : &*at;
}

UidEntry* UidEntries::add(UidEntry entry) {
  // At most two slots in three are used, so that a search ends soon.
  if ((used_ + 1) * 3 > slots_.size() * 2) make_table(size() + 1);
  const auto hash = hash_of(entry.base);
  const auto at = slot_of(entry.base, hash);
  if (slots_[at].number != unused) return nullptr;
  slots_[at] = {hash, static_cast<std::uint32_t>(entries_.size())};
  ++used_;
  entry.removed = false;
  entries_.push_back(std::move(entry));
  return &entries_.back();
}

void UidEntries::take_out(UidEntry& entry) {
  slots_[slot_of(entry.base, hash_of(entry.base))].number = left;
  // The UID stays: the entries are searched by it.
  entry = UidEntry{.uid = entry.uid, .base = {}, .removed = true, .file = {}};
  ++gaps_;
}

void UidEntries::close_gaps() {
  std::erase_if(entries_, std::not_fn(is_there));
  gaps_ = 0;
  make_table(entries_.size());
}

/// A table for so many entries and as many more.
void UidEntries::make_table(std::size_t entries) {
  auto slots = min_slots;
  while (slots < entries * 3) slots *= 2;
  slots_.assign(slots, Slot());
  used_ = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].removed) occupy(hash_of(entries_[i].base), static_cast<std::uint32_t>(i));
  }
}

/// Puts an entry into the table whose name is not in it.
void UidEntries::occupy(std::uint32_t hash, std::uint32_t number) {
  const auto mask = slots_.size() - 1;
  auto at = hash & mask;
  while (slots_[at].number != unused) at = (at + 1) & mask;
  slots_[at] = {hash, number};
  ++used_;
}

void UidEntries::expect(std::size_t more) {
  entries_.reserve(entries_.size() + more);
  if ((used_ + more) * 3 > slots_.size() * 2) make_table(size() + more);
}

void UidEntries::clear() {
  entries_.clear();
  slots_.clear();
  used_ = 0;
  gaps_ = 0;
}

}  // namespace facteur::store
