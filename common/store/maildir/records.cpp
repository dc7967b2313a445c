// The records of a Maildir mailbox in the index: their octets (FORMAT.md), and which of them are new.
#include "common/store/maildir/records.h"

#include <fmt/format.h>

#include "common/base/crc32c.h"
#include "common/base/random.h"
#include "common/store/flags.h"
#include "common/store/index/numbers.h"

namespace facteur::store {
namespace {

using Place = FileState::Place;

constexpr std::size_t writer_octets = 8;
/// Of a message in facteur-uids: so many there are at most.
constexpr std::uint64_t shortest_line = 16;

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size(), 2);
  out += text;
}

std::string_view take_text(std::string_view& rest) {
  const auto size = take_number(rest, 2);
  const auto text = rest.substr(0, size);
  rest.remove_prefix(text.size());
  return text;
}

/// The numbers of a state, and how many octets each has.
template <class State, class Number>
void for_each_number(State& state, const Number& number) {
  number(state.uid_validity, 4);
  number(state.uid_next, 4);
  number(state.first_recent, 4);
  number(state.modseq, 8);
  number(state.uid_ceiling, 8);
  number(state.modseq_ceiling, 8);
  number(state.boot, 8);
}

/// Whoever keeps records puts octets of his own into their header: so another one sees that it is not his.
std::string make_header(const StateOfFiles& files, const UidState& state) {
  auto out = random_octets(writer_octets);
  put_text(out, files.fresh.text());
  put_text(out, files.others());
  for_each_number(state, [&out](auto number, int octets) { put_number(out, number, octets); });
  put_number(out, state.size(), 4);
  put_number(out, state.keywords.size(), 1);
  for (const auto& keyword : state.keywords) put_text(out, keyword);
  const auto& gone = state.tombstones.all();
  put_number(out, state.tombstones.known_since(), 8);
  put_number(out, gone.size(), 4);
  for (const auto& [modseq, uids] : gone) {
    put_number(out, modseq, 8);
    put_number(out, uids.first, 4);
    put_number(out, uids.last, 4);
  }
  return out;
}

struct Header {
  std::string_view fresh, others;
  UidState state;  ///< without its messages
  std::size_t messages = 0;
};

bool take_tombstones(std::string_view& rest, Tombstones& out) {
  const auto known_since = take_number(rest, 8);
  const auto count = take_number(rest, 4);
  if (count > Tombstones::most) return false;
  std::vector<Tombstone> all;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto modseq = take_number(rest, 8);
    const auto first = static_cast<Uid>(take_number(rest, 4));
    all.push_back({modseq, {first, static_cast<Uid>(take_number(rest, 4))}});
  }
  return out.restore(known_since, std::move(all));
}

std::optional<Header> parse_header(std::string_view rest) {
  if (rest.size() < writer_octets) return std::nullopt;
  rest.remove_prefix(writer_octets);
  Header out;
  out.fresh = take_text(rest);
  out.others = take_text(rest);
  for_each_number(out.state, [&rest](auto& number, int octets) {
    number =
        static_cast<std::remove_reference_t<decltype(number)>>(take_number(rest, static_cast<std::size_t>(octets)));
  });
  out.messages = take_number(rest, 4);
  const auto keywords = take_number(rest, 1);
  for (std::uint64_t i = 0; i < keywords; ++i) out.state.keywords.emplace_back(take_text(rest));
  if (!take_tombstones(rest, out.state.tombstones)) return std::nullopt;
  if (!rest.empty() || !out.state.valid() || out.state.keywords.size() > max_keywords) return std::nullopt;
  return out;
}

std::string make_record(const UidEntry& entry) {
  std::string out;
  put_number(out, static_cast<std::uint64_t>(entry.file.place), 1);
  put_number(out, entry.file.system_flags, 1);
  put_number(out, entry.open_end ? 1 : 0, 1);
  put_number(out, entry.size, 8);
  put_number(out, static_cast<std::uint64_t>(entry.date), 8);
  put_number(out, entry.keywords, 8);
  put_number(out, entry.modseq, 8);
  put_text(out, entry.base);
  out += entry.file.info;
  return out;
}

std::optional<UidEntry> parse_record(Uid uid, std::string_view rest) {
  UidEntry out;
  out.uid = uid;
  out.file.place = static_cast<Place>(take_number(rest, 1));
  out.file.system_flags = static_cast<std::uint8_t>(take_number(rest, 1));
  out.open_end = take_number(rest, 1) != 0;
  out.size = take_number(rest, 8);
  out.date = static_cast<std::int64_t>(take_number(rest, 8));
  out.keywords = take_number(rest, 8);
  out.modseq = take_number(rest, 8);
  out.base = take_text(rest);
  out.file.info = rest;
  if (out.base.empty() || (out.file.place != Place::in_new && out.file.place != Place::in_cur)) return std::nullopt;
  return out;
}

}  // namespace

std::string Stamp::text() const {
  return fmt::format("{} {} {}", inode, seconds, nanoseconds);
}

std::string StateOfFiles::others() const {
  return fmt::format("{} {} {}", cur.text(), list.text(), list_size);
}

std::optional<MaildirRecords::Kept> MaildirRecords::load(Index& index, const StateOfFiles& files) {
  std::optional<Header> header;
  std::string octets;
  Kept out;
  kept_.clear();
  const auto wants = [&](std::string_view found) {
    octets = found;
    header = parse_header(octets);
    if (!header || header->others != files.others() || header->messages > files.list_size / shortest_line) return false;
    out.same_new = header->fresh == files.fresh.text();
    out.state.expect(header->messages);
    return true;
  };
  const auto each = [&](Uid uid, std::string_view record) {
    auto entry = parse_record(uid, record);
    kept_.emplace_back(uid, crc32c(record));
    return entry && out.state.restore(*std::move(entry));
  };
  header_.clear();
  const bool good = index.records(files.mailbox(), wants, each) && out.state.size() == header->messages;
  if (!good || !out.state.restore(header->state)) {
    kept_.clear();
    return std::nullopt;
  }
  if (out.same_new) kept_under_ = files;
  header_ = std::move(octets);
  return out;
}

/// What differs from what was kept.
std::vector<RecordChange> MaildirRecords::changes_to(const UidState& state, Checksums& now) const {
  std::vector<RecordChange> out;
  auto before = kept_.begin();
  const auto gone_below = [&](std::uint64_t uid) {
    for (; before != kept_.end() && before->first < uid; ++before) out.push_back({before->first, std::nullopt});
  };
  now.reserve(state.size());
  for (const auto& entry : state.entries()) {
    gone_below(entry.uid);
    auto record = make_record(entry);
    now.emplace_back(entry.uid, crc32c(record));
    const bool same = before != kept_.end() && *before == now.back();
    if (before != kept_.end() && before->first == entry.uid) ++before;
    if (!same) out.push_back({entry.uid, std::move(record)});
  }
  gone_below(std::uint64_t{last_uid} + 1);
  return out;
}

void MaildirRecords::keep(Index& index, const StateOfFiles& files, const UidState& state) {
  auto header = make_header(files, state);
  Checksums now;
  bool done = !header_.empty() && index.keep_records(files.mailbox(), header_, header, changes_to(state, now));
  if (!done) {
    // Another process keeps them as well, or the index was made anew.
    kept_.clear();
    now.clear();
    done = index.keep_records(files.mailbox(), {}, header, changes_to(state, now));
  }
  header_ = done ? std::move(header) : std::string();
  kept_ = done ? std::move(now) : Checksums();
  // What cannot be written is not tried again until something changes.
  kept_under_ = files;
}

}  // namespace facteur::store
