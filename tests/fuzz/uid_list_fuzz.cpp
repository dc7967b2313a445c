// A UID list of any octets: it is read without fault, no UID is below one that was given, and what is written from it
// is read back as the same.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "common/base/result.h"
#include "common/store/uids/state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  store::UidState state;
  (void)state.apply({reinterpret_cast<const char*>(data), size});
  if (!state.valid()) return 0;
  state.skip_damage();
  store::Uid before = 0;
  for (const auto& entry : state.entries()) {
    check(entry.uid > before && entry.uid < state.uid_next, "UIDs rise, and UIDNEXT is above all of them");
    check(state.uid_of(entry.base) == entry.uid, "one name, one UID");
    before = entry.uid;
  }
  for (const std::uint64_t since : {std::uint64_t{0}, state.modseq / 2, state.modseq}) {
    std::uint64_t end = 0;
    for (const auto& [first, last] : state.expunged_since(since)) {
      check(first > end && first <= last && last < state.uid_next, "what went is told in order, and was given");
      end = last;
      auto entries = state.entries();
      check(std::ranges::none_of(entries, [&](const auto& entry) { return entry.uid >= first && entry.uid <= last; }),
            "and is there no more");
    }
  }
  const auto lines = state.lines();
  store::UidState again;
  check(again.apply(lines) == lines.size() && again.damaged() == 0, "what is written is whole");
  check(again.uid_next == state.uid_next && again.size() == state.size(), "and the same");
  return 0;
}
