// Writing what Dovecot reads. Formats: src/lib-storage/index/maildir/maildir-uidlist.c and maildir-keywords.c of 2.3.
#include "common/store/maildir/dovecot_export.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <iterator>

#include "common/base/strings.h"

namespace facteur::store {
namespace {

/// A keyword of the list, and how many messages have it.
struct Use {
  std::string name;
  std::size_t messages = 0;
};

std::vector<Use> used_keywords(const UidState& state) {
  std::vector<Use> out;
  for (const auto& name : state.keywords) out.push_back({name, 0});
  for (const auto& entry : state.entries()) {
    for (auto bits = entry.keywords; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
      if (bit < out.size()) ++out[bit].messages;
    }
  }
  std::erase_if(out, [](const Use& use) { return use.messages == 0; });
  std::ranges::stable_sort(out, std::ranges::greater(), &Use::messages);
  return out;
}

/// How many are before it; all of them if it is not there.
std::size_t place_of(const std::vector<std::string>& names, std::string_view name) {
  const auto at = std::ranges::find_if(names, [&](const auto& one) { return iequals(one, name); });
  return static_cast<std::size_t>(at - names.begin());
}

}  // namespace

std::string KeywordLetters::of(std::uint64_t bits, const std::vector<std::string>& table) const {
  std::string out;
  for (; bits != 0; bits &= bits - 1) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
    if (bit >= table.size()) continue;
    const auto letter = place_of(names, table[bit]);
    if (letter < names.size()) out += static_cast<char>('a' + letter);
  }
  std::ranges::sort(out);
  return out;
}

KeywordLetters letters_for(const UidState& state, std::vector<std::string> before) {
  before.resize(keyword_letters);
  KeywordLetters out{.names = std::move(before), .left_out = {}};
  std::vector<bool> taken(keyword_letters, false);
  const auto take = [&](std::size_t letter, const std::string& name) {
    out.names[letter] = name;
    taken[letter] = true;
  };
  auto waiting = used_keywords(state);
  std::erase_if(waiting, [&](const Use& use) {
    const auto letter = place_of(out.names, use.name);
    if (letter < out.names.size()) take(letter, use.name);
    return letter < out.names.size();
  });
  const auto next = [&](bool free) {
    std::size_t letter = 0;
    while (letter < keyword_letters && (taken[letter] || (free && !out.names[letter].empty()))) ++letter;
    return letter;
  };
  for (const auto& use : waiting) {
    auto letter = next(true);
    if (letter == keyword_letters) letter = next(false);
    if (letter == keyword_letters) {
      out.left_out.push_back(use.name);
    } else {
      take(letter, use.name);
    }
  }
  return out;
}

std::string format_dovecot_keywords(const KeywordLetters& letters) {
  std::string out;
  for (std::size_t letter = 0; letter < letters.names.size(); ++letter) {
    if (!letters.names[letter].empty()) out += fmt::format("{} {}\n", letter, letters.names[letter]);
  }
  return out;
}

std::string format_dovecot_uidlist(const UidState& state, std::string_view guid) {
  std::string out = fmt::format("3 V{} N{} G{}\n", state.uid_validity, state.uid_next, guid);
  for (const auto& entry : state.entries()) {
    if (entry.file.place == FileState::Place::missing) continue;
    fmt::format_to(std::back_inserter(out), "{} W{} :{}\n", entry.uid, entry.size, entry.base);
  }
  return out;
}

}  // namespace facteur::store
