// Fuzz target: the reader of queue files. Whatever it accepts must keep its own promises.
#include <cstdint>
#include <string_view>

#include "queue/format/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  facteur::queue::MemoryOctets octets(text);
  const auto message = facteur::queue::load(octets);
  if (!message) return 0;
  facteur::check(message->log_end <= size, "the log ends behind the file");
  facteur::check(message->pending() <= message->recipients.size(), "more recipients wait than there are");
  (void)facteur::queue::verify(octets, *message);
  return 0;
}
