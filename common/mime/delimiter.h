// The lines between the parts of a multipart (RFC 2046 section 5.1.1): "--", the boundary exactly as given, perhaps
// "--", and white space, at most `max_delimiter` octets in all. A boundary is 1 to `max_boundary` octets, white space
// at its end not counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/mime/parameters.h"

namespace facteur::mime {

/// Octets of a boundary (RFC 2046 allows 70) and of a line with a delimiter (RFC 5322 section 2.1.1).
constexpr std::size_t max_boundary = 256;
constexpr std::size_t max_delimiter = 998;

/// What a line is to a multipart: nothing, the beginning of its next part, or the end of its parts.
enum class Delimiter : std::uint8_t { none, next, close };

/// The boundary among the parameters of a multipart's Content-Type; empty if there is none that can be used.
[[nodiscard]] std::string boundary_of(const Parameters& parameters);
/// What a line that begins with "--" is to a boundary. The line comes without white space and line end at its end; an
/// empty boundary matches nothing.
[[nodiscard]] Delimiter match_delimiter(std::string_view line, std::string_view boundary);

}  // namespace facteur::mime
