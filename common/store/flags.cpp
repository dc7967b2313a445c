// Flags, keywords and counters.
#include "common/store/flags.h"

#include <algorithm>

#include "common/base/strings.h"

namespace facteur::store {
namespace {

/// The bit number of a keyword, in any case of its letters (RFC 3501 section 2.3.2); the size of the table if none.
std::size_t bit_of(const std::vector<std::string>& table, std::string_view name) {
  const auto same = [&](const std::string& known) { return iequals(known, name); };
  return static_cast<std::size_t>(std::ranges::find_if(table, same) - table.begin());
}

}  // namespace

bool is_keyword(std::string_view name) {
  const auto bad = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || is_control(c) ||
           std::string_view(" (){}%*\"\\").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= max_keyword_length && std::ranges::none_of(name, bad);
}

Result<std::uint64_t> add_keywords(std::vector<std::string>& table, const std::vector<std::string>& names) {
  const auto known = table.size();
  std::uint64_t bits = 0;
  for (const auto& name : names) {
    const auto bit = bit_of(table, name);
    const bool is_new = bit == table.size();
    if (is_new && (bit == max_keywords || !is_keyword(name))) {
      table.resize(known);
      return fail(Kind::permanent,
                  bit == max_keywords ? "too many keywords in this mailbox" : "not a keyword: " + printable(name, 64));
    }
    if (is_new) table.push_back(name);
    bits |= std::uint64_t{1} << bit;
  }
  return bits;
}

Result<> check_keywords(std::span<const NewMessage> messages) {
  for (const auto& message : messages) {
    const auto bad = std::ranges::find_if_not(message.keywords, is_keyword);
    if (bad != message.keywords.end()) return fail(Kind::permanent, "not a keyword: " + printable(*bad, 64));
  }
  return {};
}

std::uint64_t keyword_bits(const std::vector<std::string>& table, const std::vector<std::string>& names) {
  std::uint64_t bits = 0;
  for (const auto& name : names) {
    const auto bit = bit_of(table, name);
    if (bit < table.size()) bits |= std::uint64_t{1} << bit;
  }
  return bits;
}

std::vector<std::string> keyword_names(const std::vector<std::string>& table, std::uint64_t bits) {
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < table.size(); ++bit) {
    if ((bits >> bit & 1) != 0) names.push_back(table[bit]);
  }
  return names;
}

Flags change(Flags before, FlagChange how, Flags by) {
  switch (how) {
    case FlagChange::replace: return by;
    case FlagChange::add: return {static_cast<std::uint8_t>(before.system | by.system), before.keywords | by.keywords};
    case FlagChange::remove:
      return {static_cast<std::uint8_t>(before.system & ~by.system), before.keywords & ~by.keywords};
  }
  return before;
}

Status count(const Snapshot& snapshot, Uid first_recent) {
  Status status{.uid_validity = snapshot.uid_validity,
                .uid_next = snapshot.uid_next,
                .highest_modseq = snapshot.highest_modseq,
                .messages = static_cast<std::uint32_t>(snapshot.records.size())};
  std::uint32_t number = 0;
  for (const auto& record : snapshot.records) {
    ++number;
    if (record.uid >= first_recent) ++status.recent;
    if ((record.flags.system & seen) != 0) continue;
    ++status.unseen;
    if (status.first_unseen != 0) continue;
    status.first_unseen = record.uid;
    status.first_unseen_number = number;
  }
  return status;
}

const Record* find(const Snapshot& snapshot, Uid uid) {
  const auto at = std::ranges::lower_bound(snapshot.records, uid, {}, &Record::uid);
  return at != snapshot.records.end() && at->uid == uid ? &*at : nullptr;
}

}  // namespace facteur::store
