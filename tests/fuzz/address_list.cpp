// Fuzz target: address lists. An address that is given out must be one by the strict rule, and lead back to itself.
#include "common/address/list.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const auto body = fuzz::text_of(data, size);
  int depth = 0;
  for (const auto& entry : address::parse_list(body, 100)) {
    depth += entry.type == address::ListEntry::Type::group_begin ? 1 : 0;
    depth -= entry.type == address::ListEntry::Type::group_end ? 1 : 0;
    check(depth == 0 || depth == 1, "a group in a group");
    check(entry.local_part.size() + entry.domain.size() + entry.route.size() <= 2 * size, "more text than there was");
    const auto address = entry.address();
    if (!address) continue;
    check(address->local_part == entry.local_part && address->domain == entry.domain, "another address");
    const auto again = address::parse(address->to_string());
    check(again && *again == *address, "an address that does not lead back");
  }
  check(depth == 0, "a group that does not end");
  return 0;
}
