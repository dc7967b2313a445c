// Which messages went, and when as mod-sequences count: a client that comes back is told of those that it does not know
// yet (RFC 7162 section 3.2.10).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::store {

/// Messages of neighbouring UIDs that went together.
struct Tombstone {
  std::uint64_t modseq = 0;
  UidRange uids;
  friend bool operator==(const Tombstone&, const Tombstone&) = default;
};

/// The newest of them, by ascending mod-sequence, and how far they reach back. Nothing is lost with it: what is not
/// known here is told to the client once more.
class Tombstones {
 public:
  static constexpr std::size_t most = 1000;

  /// All that goes from now on, at a higher mod-sequence than this, will be added here.
  void start(std::uint64_t modseq);
  [[nodiscard]] bool started() const { return since_.has_value(); }
  /// The UIDs are above those that were added with the same mod-sequence.
  void add(std::uint64_t modseq, Uid uid);
  /// What went at a higher mod-sequence, by ascending UID; nothing if that is not known so far back.
  [[nodiscard]] std::optional<std::vector<UidRange>> after(std::uint64_t modseq) const;

  /// The mod-sequence of start(), or of the highest that was forgotten since; before start() one above all.
  [[nodiscard]] std::uint64_t known_since() const { return since_.value_or(UINT64_MAX); }
  [[nodiscard]] const std::vector<Tombstone>& all() const { return all_; }
  /// What known_since() and all() gave elsewhere; false if they could not have.
  [[nodiscard]] bool restore(std::uint64_t known_since, std::vector<Tombstone> all);

 private:
  std::optional<std::uint64_t> since_;
  std::vector<Tombstone> all_;
};

/// Of messages by ascending UID, all that went since then, and perhaps more: Mailbox::expunged_since().
template <class Messages>
[[nodiscard]] std::vector<UidRange> expunged_since(std::uint64_t modseq, const Tombstones& tombstones,
                                                   Messages&& messages, Uid uid_next) {
  if (auto known = tombstones.after(modseq)) return *std::move(known);
  std::vector<UidRange> gaps;
  Uid next = 1;
  for (const auto& message : messages) {
    if (message.uid > next) gaps.push_back({next, message.uid - 1});
    next = message.uid + 1;
  }
  if (next < uid_next) gaps.push_back({next, uid_next - 1});
  return gaps;
}

}  // namespace facteur::store
