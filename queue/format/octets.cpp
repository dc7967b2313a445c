#include "queue/format/octets.h"

#include <algorithm>

namespace facteur::queue {

Result<std::string_view> ReadAhead::view(std::uint64_t offset, std::size_t count) {
  const bool inside = offset >= offset_ && offset + count <= offset_ + kept_.size();
  if (!inside) {
    auto octets = octets_.read(offset, std::max(count, least));
    if (!octets) return fail(octets);
    kept_ = std::move(*octets);
    offset_ = offset;
  }
  return std::string_view(kept_).substr(static_cast<std::size_t>(offset - offset_), count);
}

}  // namespace facteur::queue
