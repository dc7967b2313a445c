#include "imapd/session/mailbox/message_set.h"

#include <algorithm>

namespace facteur::imapd {

namespace {

/// The number of messages with a UID up to `uid`.
std::uint32_t count_up_to(const store::Snapshot& view, store::Uid uid) {
  const auto at = std::upper_bound(view.records.begin(), view.records.end(), uid,
                                   [](store::Uid value, const store::Record& record) { return value < record.uid; });
  return static_cast<std::uint32_t>(at - view.records.begin());
}

}  // namespace

Ranges numbers_of_uids(const Ranges& uids, const store::Snapshot& view) {
  Ranges numbers;
  for (const auto& [first, last] : uids) {
    const auto before = count_up_to(view, first - 1);
    const auto up_to = count_up_to(view, last);
    if (up_to > before) numbers.push_back({before + 1, up_to});
  }
  return numbers;
}

std::expected<Ranges, Reply> sequence_numbers(const SequenceSet& set, const store::Snapshot& view, bool by_uid) {
  const auto count = static_cast<std::uint32_t>(view.records.size());
  if (by_uid) {
    if (count == 0) return Ranges{};
    return numbers_of_uids(set.resolve(view.records.back().uid), view);
  }
  auto numbers = set.resolve(count);
  if (numbers.front().first == 0 || numbers.back().last > count) {
    return std::unexpected(bad("Sequence number beyond the last message"));
  }
  return numbers;
}

std::vector<store::Uid> uids_of(const Ranges& numbers, const store::Snapshot& view) {
  std::vector<store::Uid> uids;
  for (const auto& [first, last] : numbers) {
    for (auto number = first; number <= last; ++number) uids.push_back(view.records[number - 1].uid);
  }
  return uids;
}

Result<> expunge_deleted(Selected& selected, const SequenceSet* among) {
  const auto now = selected.mailbox().snapshot();
  if (!now) return fail(now);
  const auto largest = (*now)->records.empty() ? 0 : (*now)->records.back().uid;
  const auto wanted = among != nullptr ? among->resolve(largest) : Ranges{{1, UINT32_MAX}};
  std::vector<store::Uid> uids;
  for (const auto& record : (*now)->records) {
    if ((record.flags.system & store::deleted) != 0 && contains(wanted, record.uid)) uids.push_back(record.uid);
  }
  if (uids.empty()) return {};
  const auto gone = selected.mailbox().expunge(uids);
  if (!gone) return fail(gone);
  return {};
}

}  // namespace facteur::imapd
