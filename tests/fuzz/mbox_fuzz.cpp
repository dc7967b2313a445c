// An mbox of any octets: messages lie behind each other inside the file, and each is as long when it is read as the
// scan said; what is put back with other flags is found again.
#include <cstdint>
#include <string_view>

#include "common/base/result.h"
#include "common/store/mbox/scan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto scan = store::scan_mbox(octets);
  std::uint64_t last = 0;
  for (const auto& message : scan.messages) {
    check(message.begin >= last && message.begin < message.header && message.header <= message.body, "offsets ascend");
    check(message.body <= message.end && message.end <= message.next && message.next <= size, "inside the file");
    last = message.next;
    const auto raw = octets.substr(message.header, message.end - message.header);
    check(store::mbox_content(raw).size() == message.size, "the size is that of the content");
    const auto header = octets.substr(message.header, message.body - message.header);
    const auto changed = store::with_status(header, store::seen | store::flagged, {"kw"});
    const auto again = store::scan_mbox("From x Sun Nov 22 13:05:09 2026\n" + changed);
    check(!again.messages.empty(), "a changed header is a message's");
  }
  check(scan.messages.empty() || last == size, "all that follows the first message belongs to one");
  return 0;
}
