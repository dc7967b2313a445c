// The fields of one header that a summary keeps.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/mime/summary.h"

namespace facteur::mime {

/// The Content- fields of a header into a part. `in_digest`: a part of a multipart/digest, which is a message/rfc822
/// unless it says otherwise (RFC 2046 section 5.1.5).
void read_content_fields(std::string_view header, bool in_digest, Part& part);

/// The envelope of a header; takes at most `addresses` in all and lowers it by those taken.
[[nodiscard]] Envelope read_envelope(std::string_view header, std::size_t& addresses);

}  // namespace facteur::mime
