#include "imapd/session/mailbox/selected.h"

#include <algorithm>
#include <fmt/format.h>

#include "imapd/session/mailbox/flags.h"

namespace facteur::imapd {

using store::Record;
using store::Snapshot;
using store::Uid;

namespace {

std::size_t before_uid(const Snapshot& snapshot, Uid uid) {
  const auto at = std::lower_bound(snapshot.records.begin(), snapshot.records.end(), uid,
                                   [](const Record& record, Uid value) { return record.uid < value; });
  return static_cast<std::size_t>(at - snapshot.records.begin());
}

std::uint32_t count_in(const Snapshot& snapshot, const Ranges& ranges) {
  std::size_t count = 0;
  for (const auto& [first, last] : ranges) {
    const auto behind = last == UINT32_MAX ? snapshot.records.size() : before_uid(snapshot, last + 1);
    count += behind - std::min(behind, before_uid(snapshot, first));
  }
  return static_cast<std::uint32_t>(count);
}

/// Ascending UIDs below `end` that no record has.
std::vector<Uid> free_uids(const std::vector<Record>& records, Uid end, std::size_t count) {
  std::vector<Uid> out;
  auto record = records.begin();
  for (Uid uid = 1; uid < end && out.size() < count; ++uid) {
    while (record != records.end() && record->uid < uid) ++record;
    if (record == records.end() || record->uid != uid) out.push_back(uid);
  }
  return out;
}

}  // namespace

Selected::View keep_expunged(const Selected::View& before, const Selected::View& after) {
  if (store::diff(*before, *after).expunged.empty()) return after;
  auto merged = *after;
  merged.records.clear();
  auto now = after->records.begin();
  for (const auto& record : before->records) {
    const bool there = now != after->records.end() && now->uid == record.uid;
    merged.records.push_back(there ? *now : record);
    if (there) ++now;
  }
  merged.records.insert(merged.records.end(), now, after->records.end());
  return std::make_shared<const Snapshot>(std::move(merged));
}

Selected::View as_counted(const Selected::View& now, const store::Status& then) {
  const auto old = before_uid(*now, then.uid_next);
  if (old == then.messages && old == now->records.size()) return now;
  auto told = *now;
  told.uid_next = then.uid_next;
  told.records.resize(old);
  for (const auto uid :
       free_uids(told.records, then.uid_next, then.messages - std::min<std::size_t>(old, then.messages))) {
    store::Record gone;
    gone.uid = uid;
    told.records.push_back(gone);
  }
  std::sort(told.records.begin(), told.records.end(), [](const Record& a, const Record& b) { return a.uid < b.uid; });
  return std::make_shared<const Snapshot>(std::move(told));
}

Selected::Selected(std::unique_ptr<store::Mailbox> mailbox, std::string name)
    : mailbox_(std::move(mailbox)), name_(std::move(name)) {
}

Result<std::unique_ptr<Selected>> Selected::open(store::Account& account, const std::string& name, bool read_only) {
  auto mailbox = account.open(name, read_only);
  if (!mailbox) return fail(mailbox);
  std::unique_ptr<Selected> selected(new Selected(std::move(*mailbox), name));
  // First claimed, then counted: a message that comes in between may be recent in two sessions, never in none. How many
  // are recent is known before the claim only. Where none is, there is nothing to claim.
  const auto before = selected->mailbox_->status();
  if (!before) return fail(before);
  selected->status_ = *before;
  if (before->recent == 0) return selected;
  const auto first = selected->mailbox_->first_recent(!selected->read_only());
  if (!first) return fail(first);
  auto status = selected->mailbox_->status();
  if (!status) return fail(status);
  const auto added = status->uid_next - std::min(status->uid_next, before->uid_next);
  status->recent = std::min(status->messages, before->recent + added);
  selected->status_ = *status;
  if (*first < status->uid_next) selected->recent_.push_back({*first, status->uid_next - 1});
  return selected;
}

std::uint32_t Selected::messages() const {
  return view_ ? static_cast<std::uint32_t>(view_->records.size()) : status_.messages;
}

std::uint32_t Selected::recent() const {
  return view_ ? count_in(*view_, recent_) : status_.recent;
}

Result<> Selected::load(std::string& out) {
  if (view_) return {};
  const auto now = mailbox_->snapshot();
  if (!now) return fail(now);
  if ((*now)->uid_validity != status_.uid_validity) return fail(Kind::corrupt, "UIDVALIDITY of " + name_ + " changed");
  view_ = as_counted(*now, status_);
  if (view_->keywords.size() > keywords_told_) append_flags_responses(out, view_->keywords);
  return {};
}

void Selected::keep_content(Uid uid, std::unique_ptr<store::Content> content) {
  content_uid_ = uid;
  content_ = std::move(content);
}

std::unique_ptr<store::Content> Selected::take_content(Uid uid) {
  auto content = std::move(content_);
  return content_uid_ == uid ? std::move(content) : nullptr;
}

/// The present mailbox; new messages in it are claimed as recent before the client hears of them.
Result<Selected::View> Selected::next_view(bool may_expunge) {
  auto now = mailbox_->snapshot();
  if (!now) return fail(now);
  if ((*now)->uid_validity != view_->uid_validity) return fail(Kind::corrupt, "UIDVALIDITY of " + name_ + " changed");
  if ((*now)->uid_next > view_->uid_next) {
    const auto first = mailbox_->first_recent(!read_only());
    if (!first) return fail(first);
    now = mailbox_->snapshot();
    if (!now) return fail(now);
    const auto from = std::max(*first, view_->uid_next);
    if (from < (*now)->uid_next) recent_.push_back({from, (*now)->uid_next - 1});
    recent_ = normalize(std::move(recent_));
  }
  return may_expunge ? *now : keep_expunged(view_, *now);
}

void Selected::compare(const View& next) {
  changes_ = store::diff(*view_, *next);
  counts_changed_ = changes_.added > 0;
  view_ = next;
  std::stable_sort(told_.begin(), told_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::erase_if(changes_.flags, [this](std::uint32_t number) {
    const auto& record = view_->records[number - 1];
    // The last of what was told of the message counts.
    auto at = std::upper_bound(told_.begin(), told_.end(), record.uid,
                               [](Uid uid, const auto& known) { return uid < known.first; });
    if (at == told_.begin()) return false;
    --at;
    return at->first == record.uid && at->second == record.flags;
  });
}

Result<> Selected::refresh(bool may_expunge) {
  const auto next = next_view(may_expunge);
  if (!next) return fail(next);
  changes_ = {};
  said_expunged_ = said_flags_ = 0;
  if (*next != view_) compare(*next);
  told_ = {};
  return {};
}

/// INBOX stays when it is renamed: only its messages go (RFC 3501 section 6.3.5).
void Selected::follow(const std::string& from, const std::string& to) {
  if (from == "INBOX") return;
  if (name_ == from || name_.starts_with(from + '/')) name_.replace(0, from.size(), to);
}

bool Selected::report(std::string& out, bool with_uids) {
  if (!view_) return true;
  while (said_expunged_ < changes_.expunged.size() && out.size() < output_slice) {
    fmt::format_to(std::back_inserter(out), "* {} EXPUNGE\r\n", changes_.expunged[said_expunged_++]);
  }
  if (said_expunged_ < changes_.expunged.size()) return false;
  if (counts_changed_) out += fmt::format("* {} EXISTS\r\n* {} RECENT\r\n", messages(), recent());
  counts_changed_ = false;
  if (view_->keywords.size() > keywords_told_) append_flags_responses(out, view_->keywords);
  while (said_flags_ < changes_.flags.size() && out.size() < output_slice) {
    const auto number = changes_.flags[said_flags_++];
    const auto& record = view_->records[number - 1];
    const auto uid = with_uids ? fmt::format("UID {} ", record.uid) : std::string();
    fmt::format_to(std::back_inserter(out), "* {} FETCH ({}FLAGS ({}))\r\n", number, uid,
                   show_flags(record.flags, view_->keywords, is_recent(record.uid)));
  }
  return said_flags_ == changes_.flags.size();
}

void Selected::append_flags_responses(std::string& out, const std::vector<std::string>& keywords) {
  const auto flags =
      show_flags({store::seen | store::answered | store::flagged | store::deleted | store::draft,
                  keywords.size() < store::max_keywords ? (std::uint64_t{1} << keywords.size()) - 1 : UINT64_MAX},
                 keywords, false);
  keywords_told_ = keywords.size();
  out += fmt::format("* FLAGS ({})\r\n", flags);
  if (read_only()) {
    out += "* OK [PERMANENTFLAGS ()] Read-only mailbox\r\n";
  } else {
    const bool room = keywords.size() < store::max_keywords;
    out += fmt::format("* OK [PERMANENTFLAGS ({}{})] Flags are kept\r\n", flags, room ? " \\*" : "");
  }
}

}  // namespace facteur::imapd
