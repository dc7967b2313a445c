// What a UID list says: the UIDs of a mailbox, its keywords, and how far UIDs and mod-sequences have been given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/store/mailbox.h"
#include "common/store/uids/entries.h"
#include "common/store/uids/tombstones.h"

namespace facteur::store {

/// UIDs reserved by one ceiling, and mod-sequences.
constexpr Uid uid_block = 1000;
constexpr std::uint64_t modseq_block = 1000;
/// When UIDs come this far the mailbox is numbered anew under another UIDVALIDITY (RFC 3501 section 2.3.1.1).
constexpr Uid last_uid = 0xfffffff0;
/// The highest mod-sequence that is believed (RFC 7162 section 3.1 allows 63 bits), and the one at which a mailbox is
/// numbered anew as well, so that counting on never wraps.
constexpr std::uint64_t max_modseq = std::uint64_t{1} << 62;
constexpr std::uint64_t last_modseq = std::uint64_t{1} << 61;
/// UIDs that one locking of a list may assign.
constexpr Uid max_assigned_at_once = 1'000'000;

/// Lines applied one by one give the state; damage is counted and never makes a UID come twice.
class UidState {
 public:
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  Uid first_recent = 1;
  std::uint64_t modseq = 1;
  std::uint64_t uid_ceiling = 1;     ///< below it any UID may have been told
  std::uint64_t modseq_ceiling = 1;  ///< up to it any mod-sequence may have been told
  std::uint64_t boot = 0;            ///< boot time of the machine that wrote the ceiling, seconds since 1970
  std::vector<std::string> keywords;
  Tombstones tombstones;     ///< of the messages that were removed
  bool handed_over = false;  ///< another server may have given UIDs since

  /// Applies lines, each with its LF; octets behind the last LF are not looked at. Returns the octets used.
  std::size_t apply(std::string_view lines);
  /// Octets that were no valid line since the start.
  [[nodiscard]] std::uint64_t damaged() const { return damaged_; }
  /// Octets that were read and could not be applied: as damage.
  void note_damage(std::uint64_t octets) { damaged_ += octets; }
  /// How often messages were taken out of it.
  [[nodiscard]] std::uint64_t removals() const { return removals_; }
  /// True when a first line was read.
  [[nodiscard]] bool valid() const { return uid_validity != 0; }

  /// The messages, by ascending UID.
  [[nodiscard]] auto entries() const { return entries_.all(); }
  [[nodiscard]] auto entries() { return entries_.all(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// nullptr if there is none. What is returned lives until messages are added or removed.
  [[nodiscard]] UidEntry* find(Uid uid) { return entries_.find(uid); }
  [[nodiscard]] UidEntry* find(std::string_view base) { return entries_.find(base); }
  /// The UID of a base name; 0 if it has none.
  [[nodiscard]] Uid uid_of(std::string_view base) const;
  /// Mailbox::expunged_since().
  [[nodiscard]] std::vector<UidRange> expunged_since(std::uint64_t since) const {
    return store::expunged_since(since, tombstones, entries(), uid_next);
  }
  /// Adds an entry; false if the UID is not at least uid_next, or the name has a UID.
  bool add(Uid uid, UidEntry entry);
  void remove(Uid first, Uid last);

  /// A state that was kept elsewhere: room for so many messages, then each of them as it was, by ascending UID, then
  /// all the rest, which is in a state without messages. False if they do not fit.
  void expect(std::size_t messages) { entries_.expect(messages); }
  [[nodiscard]] bool restore(UidEntry entry);
  [[nodiscard]] bool restore(const UidState& rest);

  /// Skips all that damage may have hidden: UIDs and mod-sequences go beyond every ceiling that may have been written.
  void skip_damage();
  /// Gives all messages new UIDs from 1 under another UIDVALIDITY.
  void renumber(std::uint32_t new_validity);
  /// The whole state as lines.
  [[nodiscard]] std::string lines() const;
  /// About how long lines() would be; cheap.
  [[nodiscard]] std::uint64_t live_octets() const { return live_octets_; }

 private:
  bool apply_line(std::string_view line);
  bool apply_header(const struct UidLine& line);
  bool apply_keyword(std::uint64_t bit, std::string_view name);
  bool apply_message(const struct UidLine& line);
  bool apply_flags(std::uint64_t uid, std::uint64_t bits);

  UidEntries entries_;
  std::uint64_t damaged_ = 0;
  std::uint64_t removals_ = 0;
  std::uint64_t live_octets_ = 0;
};

/// A snapshot of the mailbox but for its messages, and what it says of one.
[[nodiscard]] Snapshot snapshot_without_records(const UidState& state);
[[nodiscard]] Record record_of(const UidEntry& entry);

/// The lines of FORMAT.md.
[[nodiscard]] std::string ceiling_line(const UidState& state);
[[nodiscard]] std::string keyword_line(std::size_t bit, std::string_view name);
[[nodiscard]] std::string message_line(const UidEntry& entry);
[[nodiscard]] std::string flags_line(Uid uid, std::uint64_t bits);
[[nodiscard]] std::string gone_line(Uid first, Uid last);
[[nodiscard]] std::string modseq_line(std::uint64_t modseq);
[[nodiscard]] std::string recent_line(Uid first_recent);
[[nodiscard]] std::string next_line(Uid uid_next);

}  // namespace facteur::store
