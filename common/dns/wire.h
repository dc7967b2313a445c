// The answer of a name server, octet by octet (RFC 1035 section 4): the one parser of them, and it trusts nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace facteur::dns {

/// Types of records (RFC 1035 section 3.2.2, RFC 3596).
enum class Type : std::uint16_t { a = 1, cname = 5, soa = 6, ptr = 12, mx = 15, aaaa = 28 };

/// What came of a question. Only the first three are final; the last says "ask again later".
enum class Outcome : std::uint8_t { found, no_domain, no_data, temporary };

/// One record of the type that was asked for.
struct Record {
  std::uint16_t preference = 0;  ///< of MX
  std::string data;              ///< A and AAAA: 4 or 16 octets; MX and PTR: the name, empty for the root
  friend bool operator==(const Record&, const Record&) = default;
};

struct Reply {
  Outcome outcome = Outcome::temporary;
  Seconds lifetime{
      0};  ///< how long the answer may be kept: the least TTL met, or that of the absence (RFC 2308 section 5)
  std::vector<Record> records;
};

constexpr std::size_t max_records = 256;  ///< records looked at in one answer; the rest is not read
constexpr int max_aliases = 16;           ///< CNAME records followed
constexpr Seconds max_lifetime{86400};
constexpr Seconds temporary_lifetime{60};

/// What `octets` answer to the question for `type` of `name`, aliases in it followed. Records of other names or types
/// are passed over, and so is an MX or PTR whose name is not fit for use (is_domain_name): if nothing else is left the
/// outcome is temporary, since the zone is broken rather than empty. Kind::protocol for octets that are not such an
/// answer.
[[nodiscard]] Result<Reply> parse_reply(std::string_view octets, std::string_view name, Type type);

}  // namespace facteur::dns
