// The messages of a UID list, found by UID and by base name.
//
// They stand in one vector in the order of their UIDs, since all is read in that order; the names are found through a
// table of numbers into it (open addressing, linear probing). Both are a few pieces of memory for a hundred thousand
// messages, so that a large mailbox is read at the speed of its folders. Entries that were removed stay as gaps until
// there are as many of them as of the others.
#pragma once

#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::store {

/// Where the file of a message was when the folder was last read. Not in the list: kept beside each entry for Maildir.
struct FileState {
  enum class Place : std::uint8_t { missing, in_new, in_cur };
  Place place = Place::missing;
  std::uint8_t system_flags = 0;
  std::uint32_t pass = 0;  ///< the reading of the folders that saw it last
  std::string info;        ///< what stands behind the base name: ":2,S"
};

struct UidEntry {
  Uid uid = 0;             ///< given by the list
  std::string base;        ///< the name that stays: of the file, without flags
  std::uint64_t size = 0;  ///< octets with CRLF
  std::int64_t date = 0;   ///< internal date
  bool open_end = false;   ///< the last line has no end
  bool removed = false;    ///< a gap: no message
  std::uint64_t keywords = 0;
  std::uint64_t modseq = 1;
  FileState file;
};

class UidEntries {
 public:
  /// Those that are there, by ascending UID.
  [[nodiscard]] auto all() const { return std::views::filter(entries_, is_there); }
  [[nodiscard]] auto all() { return std::views::filter(entries_, is_there); }
  [[nodiscard]] std::size_t size() const { return entries_.size() - gaps_; }

  /// nullptr if there is none. What is returned lives until the next add() or remove().
  [[nodiscard]] UidEntry* find(Uid uid);
  [[nodiscard]] UidEntry* find(std::string_view base);
  [[nodiscard]] const UidEntry* find(std::string_view base) const;
  /// Adds one whose UID is above all others; nullptr if its name is there.
  UidEntry* add(UidEntry entry);
  /// Calls `each` on every entry from `first` to `last`, which then goes.
  template <class Each>
  void remove(Uid first, Uid last, Each each) {
    for (auto at = lower_bound(first); at != entries_.end() && at->uid <= last; ++at) {
      if (at->removed) continue;
      each(*at);
      take_out(*at);
    }
    if (gaps_ > min_gaps && gaps_ > size()) close_gaps();
  }
  void clear();
  /// Makes room for so many more at once: growing step by step would move them again and again.
  void expect(std::size_t more);

 private:
  /// A place of the table: a part of the name's hash, and which entry it is.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = unused;
  };
  static constexpr std::uint32_t unused = 0xffffffff;
  static constexpr std::uint32_t left = 0xfffffffe;  ///< its entry was removed: a search goes on behind it
  static constexpr std::size_t min_slots = 16;
  static constexpr std::size_t min_gaps = 64;

  [[nodiscard]] static bool is_there(const UidEntry& entry) { return !entry.removed; }
  [[nodiscard]] static std::uint32_t hash_of(std::string_view base);
  [[nodiscard]] std::vector<UidEntry>::iterator lower_bound(Uid uid);
  [[nodiscard]] std::size_t slot_of(std::string_view base, std::uint32_t hash) const;
  void occupy(std::uint32_t hash, std::uint32_t number);
  void take_out(UidEntry& entry);
  void close_gaps();
  void make_table(std::size_t entries);

  std::vector<UidEntry> entries_;
  std::vector<Slot> slots_;  ///< a power of two of them, or none
  std::size_t used_ = 0;     ///< slots that are not unused
  std::size_t gaps_ = 0;
};

}  // namespace facteur::store
