// The state of a UID list.
#include "common/store/uids/state.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "common/store/flags.h"
#include "common/store/uids/line.h"

namespace facteur::store {
namespace {

constexpr std::uint64_t version = 1;
/// The shortest line is longer than this: so many octets of damage hide at most one moved ceiling.
constexpr std::uint64_t shortest_line = 10;
constexpr std::uint64_t line_overhead = 48;
/// Octets of a message's line, about, and of lines that are read as many.
constexpr std::size_t usual_line = 80;
constexpr std::size_t many_octets = 64 << 10;

std::uint64_t weight(const UidEntry& entry) {
  return entry.base.size() + line_overhead;
}

bool is_uid(std::uint64_t number) {
  return number > 0 && number <= 0xffffffff;
}

bool is_modseq(std::uint64_t number) {
  return number <= max_modseq;
}

}  // namespace

Snapshot snapshot_without_records(const UidState& state) {
  Snapshot out;
  out.uid_validity = state.uid_validity;
  out.uid_next = state.uid_next;
  out.highest_modseq = state.modseq;
  out.keywords = state.keywords;
  out.records.reserve(state.size());
  return out;
}

Record record_of(const UidEntry& entry) {
  return {.uid = entry.uid,
          .flags = {entry.file.system_flags, entry.keywords},
          .modseq = entry.modseq,
          .internal_date = entry.date,
          .size = entry.size,
          .open_end = entry.open_end};
}

std::string ceiling_line(const UidState& state) {
  return seal_line(fmt::format("c {} {} {}", state.uid_ceiling, state.modseq_ceiling, state.boot));
}
std::string keyword_line(std::size_t bit, std::string_view name) {
  return seal_line(fmt::format("k {} {}", bit, name));
}
std::string message_line(const UidEntry& entry) {
  return seal_line(fmt::format("{} {} {} {} {}", entry.open_end ? 'o' : 'u', entry.uid, entry.size,
                               std::max<std::int64_t>(entry.date, 0), entry.base));
}
std::string flags_line(Uid uid, std::uint64_t bits) {
  return seal_line(fmt::format("f {} {:x}", uid, bits));
}
std::string gone_line(Uid first, Uid last) {
  return seal_line(fmt::format("x {} {}", first, last));
}
std::string modseq_line(std::uint64_t modseq) {
  return seal_line(fmt::format("m {}", modseq));
}
std::string recent_line(Uid first_recent) {
  return seal_line(fmt::format("r {}", first_recent));
}

std::string next_line(Uid uid_next) {
  return seal_line(fmt::format("n {}", uid_next));
}

std::size_t UidState::apply(std::string_view lines) {
  if (lines.size() > many_octets) entries_.expect(lines.size() / usual_line);
  std::size_t used = 0;
  for (;;) {
    const auto end = lines.find('\n', used);
    if (end == std::string_view::npos) return used;
    if (!apply_line(lines.substr(used, end - used))) damaged_ += end + 1 - used;
    used = end + 1;
  }
}

bool UidState::apply_line(std::string_view text) {
  const auto line = parse_line(text);
  if (!line) return false;
  if (line->type == 'F' || line->type == 'H') return apply_header(*line);
  if (!valid()) return false;
  switch (line->type) {
    case 'c':
      if (!is_uid(line->a) || !is_modseq(line->b)) return false;
      uid_ceiling = std::max(uid_ceiling, line->a);
      modseq_ceiling = std::max(modseq_ceiling, line->b);
      boot = line->c;
      return true;
    case 'k': return apply_keyword(line->a, line->text);
    case 'u':
    case 'o': return apply_message(*line);
    case 'f': return apply_flags(line->a, line->b);
    case 'x':
      if (!is_uid(line->a) || !is_uid(line->b)) return false;
      remove(static_cast<Uid>(line->a), static_cast<Uid>(line->b));
      return true;
    case 'm':
      if (!is_modseq(line->a)) return false;
      modseq = std::max(modseq, line->a);
      if (!tombstones.started()) tombstones.start(modseq);  // a list begins with it
      return true;
    case 'n':
      if (!is_uid(line->a)) return false;
      uid_next = std::max(uid_next, static_cast<Uid>(line->a));
      return true;
    case 'r':
      if (!is_uid(line->a)) return false;
      first_recent = std::max(first_recent, static_cast<Uid>(line->a));
      return true;
    default: return false;
  }
}

bool UidState::apply_header(const UidLine& line) {
  if (valid() || line.a != version || !is_uid(line.b)) return false;
  uid_validity = static_cast<std::uint32_t>(line.b);
  handed_over = line.type == 'H';
  return true;
}

bool UidState::apply_keyword(std::uint64_t bit, std::string_view name) {
  if (bit >= max_keywords || !is_keyword(name)) return false;
  // A line before this one was lost: its bit keeps a name that says so.
  while (keywords.size() <= bit) keywords.push_back("lost-" + std::to_string(keywords.size()));
  keywords[bit] = name;
  return true;
}

bool UidState::apply_message(const UidLine& line) {
  if (!is_uid(line.a) || line.c > static_cast<std::uint64_t>(INT64_MAX)) return false;
  UidEntry entry;
  entry.base = line.text;
  entry.size = line.b;
  entry.date = static_cast<std::int64_t>(line.c);
  entry.open_end = line.type == 'o';
  return add(static_cast<Uid>(line.a), std::move(entry));
}

bool UidState::apply_flags(std::uint64_t uid, std::uint64_t bits) {
  if (!is_uid(uid)) return false;
  auto* entry = find(static_cast<Uid>(uid));
  if (entry == nullptr || entry->keywords == bits) return true;
  entry->keywords = bits;
  entry->modseq = modseq;
  return true;
}

Uid UidState::uid_of(std::string_view base) const {
  const auto* entry = entries_.find(base);
  return entry == nullptr ? 0 : entry->uid;
}

bool UidState::add(Uid uid, UidEntry entry) {
  entry.uid = uid;
  entry.modseq = modseq;
  return restore(std::move(entry));
}

bool UidState::restore(UidEntry entry) {
  if (entry.uid < uid_next || entry.uid > last_uid) return false;
  const auto* added = entries_.add(std::move(entry));
  if (added == nullptr) return false;
  live_octets_ += weight(*added);
  uid_next = added->uid + 1;
  return true;
}

bool UidState::restore(const UidState& rest) {
  if (!rest.valid() || rest.uid_next < uid_next) return false;
  uid_validity = rest.uid_validity;
  uid_next = rest.uid_next;
  first_recent = rest.first_recent;
  modseq = rest.modseq;
  uid_ceiling = rest.uid_ceiling;
  modseq_ceiling = rest.modseq_ceiling;
  boot = rest.boot;
  keywords = rest.keywords;
  tombstones = rest.tombstones;
  return true;
}

void UidState::remove(Uid first, Uid last) {
  entries_.remove(first, last, [this](const UidEntry& entry) {
    live_octets_ -= weight(entry);
    ++removals_;
    tombstones.add(modseq, entry.uid);
  });
}

void UidState::skip_damage() {
  if (damaged_ == 0) return;
  const std::uint64_t hidden = 1 + damaged_ / shortest_line;
  // Beyond last_uid the list is numbered anew before a UID is given.
  uid_next = static_cast<Uid>(std::min<std::uint64_t>(
      std::max<std::uint64_t>(uid_next, uid_ceiling) + hidden * uid_block, std::uint64_t{last_uid} + 1));
  modseq = std::min(std::max(modseq, modseq_ceiling) + hidden * modseq_block, max_modseq);
  for (auto& entry : entries_.all()) entry.modseq = modseq;
  tombstones.start(modseq);  // what was lost may have been some of them
  damaged_ = 0;
}

void UidState::renumber(std::uint32_t new_validity) {
  auto old = std::exchange(entries_, {});
  live_octets_ = 0;
  uid_validity = new_validity;
  const bool all_recent = first_recent == 1;
  uid_next = 1;
  uid_ceiling = 1;
  modseq = 1;
  modseq_ceiling = 1;
  tombstones.start(modseq);
  for (auto& entry : old.all()) add(uid_next, std::move(entry));
  first_recent = all_recent ? 1 : uid_next;
}

std::string UidState::lines() const {
  const auto* const word = handed_over ? "facteur-uids-handed-over" : "facteur-uids";
  std::string out = seal_line(fmt::format("{} {} {}", word, version, uid_validity));
  out += ceiling_line(*this);
  out += modseq_line(modseq);
  for (std::size_t bit = 0; bit < keywords.size(); ++bit) out += keyword_line(bit, keywords[bit]);
  for (const auto& entry : entries_.all()) {
    out += message_line(entry);
    if (entry.keywords != 0) out += flags_line(entry.uid, entry.keywords);
  }
  out += next_line(uid_next);
  out += recent_line(first_recent);
  return out;
}

}  // namespace facteur::store
