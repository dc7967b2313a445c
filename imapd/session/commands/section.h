// Finds the octets of a section in a message (RFC 3501 section 6.4.5).
#pragma once

#include <cstdint>
#include <optional>

#include "common/mime/summary.h"
#include "imapd/session/commands/fetch_items.h"

namespace facteur::imapd {

/// Octets `begin` to `end` of a message, the last one not in.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Where the section lies; of HEADER.FIELDS and its opposite the whole header they are chosen from. Nothing if the
/// message has no such part.
[[nodiscard]] std::optional<Extent> find_section(const mime::Summary& summary, const Section& section);

}  // namespace facteur::imapd
