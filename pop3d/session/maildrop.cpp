#include "pop3d/session/maildrop.h"

#include <algorithm>
#include <utility>

#include "common/base/number.h"

namespace facteur::pop3d {

Maildrop::Maildrop(std::shared_ptr<const store::Snapshot> snapshot)
    : snapshot_(std::move(snapshot)), marks_(snapshot_->records.size()) {
  for (std::uint32_t number = 1; number <= count(); ++number) {
    if ((record(number).flags.system & store::seen) != 0) first_last_ = number;
  }
  reset();
}

std::optional<std::uint32_t> Maildrop::find(std::string_view text) const {
  const auto number = parse_number<std::uint32_t>(text);
  if (!number || *number == 0 || *number > count() || is_deleted(*number)) return std::nullopt;
  return number;
}

void Maildrop::mark_deleted(std::uint32_t number) {
  if (is_deleted(number)) return;
  marks_[number - 1] |= deleted;
  --kept_;
  octets_ -= octets(number);
  last_ = std::max(last_, number);
}

void Maildrop::mark_retrieved(std::uint32_t number) {
  marks_[number - 1] |= retrieved;
  last_ = std::max(last_, number);
}

void Maildrop::reset() {
  for (auto& mark : marks_) mark &= static_cast<std::uint8_t>(~deleted);
  kept_ = count();
  octets_ = 0;
  for (std::uint32_t number = 1; number <= count(); ++number) octets_ += octets(number);
  last_ = first_last_;
}

std::vector<store::Uid> Maildrop::deleted_uids() const {
  std::vector<store::Uid> uids;
  for (std::uint32_t number = 1; number <= count(); ++number) {
    if (is_deleted(number)) uids.push_back(record(number).uid);
  }
  return uids;
}

std::vector<store::Uid> Maildrop::newly_seen_uids() const {
  std::vector<store::Uid> uids;
  for (std::uint32_t number = 1; number <= count(); ++number) {
    if (marks_[number - 1] == retrieved && (record(number).flags.system & store::seen) == 0) {
      uids.push_back(record(number).uid);
    }
  }
  return uids;
}

}  // namespace facteur::pop3d
