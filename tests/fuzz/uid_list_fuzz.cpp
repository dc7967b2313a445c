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
  if (!state.entries().empty()) {
    check(state.uid_next > std::prev(state.entries().end())->first, "UIDNEXT is above all UIDs");
  }
  for (const auto& [uid, entry] : state.entries()) check(state.uid_of(entry.base) == uid, "one name, one UID");
  const auto lines = state.lines();
  store::UidState again;
  check(again.apply(lines) == lines.size() && again.damaged() == 0, "what is written is whole");
  check(again.uid_next == state.uid_next && again.entries().size() == state.entries().size(), "and the same");
  return 0;
}
