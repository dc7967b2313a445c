// The dates among the arguments of SEARCH and APPEND.
#pragma once

#include <cstdint>

#include "imapd/wire/parser.h"

namespace facteur::imapd {

/// date: with or without quotes, in days since 1970 (RFC 3501 section 9).
[[nodiscard]] std::int64_t take_date(Parser& parser);
/// date-time: in quotes, in seconds since 1970.
[[nodiscard]] std::int64_t take_date_time(Parser& parser);

}  // namespace facteur::imapd
