// A UID list of any octets: it is read without fault, no UID is below one that was given, and what is written from it
// is read back as the same.
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
  const auto lines = state.lines();
  store::UidState again;
  check(again.apply(lines) == lines.size() && again.damaged() == 0, "what is written is whole");
  check(again.uid_next == state.uid_next && again.size() == state.size(), "and the same");
  return 0;
}
