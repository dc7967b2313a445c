// Settings files: refused with a place, or read into settings that survive the way through a sealed file.
#include <string_view>

#include "config/describe.h"
#include "config/load.h"
#include "config/seal.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = config::load_text({reinterpret_cast<const char*>(data), size}, "f.yaml");
  if (!loaded) {
    check(loaded.error().text.starts_with("f.yaml"), "a problem has its place");
    return 0;
  }
  const auto back = config::from_octets(config::to_octets(loaded->settings));
  check(back && *back == loaded->settings, "settings survive being sealed");
  return 0;
}
