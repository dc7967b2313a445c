// The criteria of SEARCH (RFC 3501 section 6.4.4), as a program for a machine with a stack: keys in the order they are
// read, NOT, OR and AND behind what they join. It is read and run without recursion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/wire/parser.h"

namespace facteur::imapd {

/// What a key looks at; the order is that of the cost.
enum class KeyKind : std::uint8_t {
  all,
  sequence,  ///< `set`
  uid,       ///< `set`
  flag,      ///< has the system flag `number`
  no_flag,
  keyword,  ///< has the keyword `value`
  no_keyword,
  recent,
  old,
  fresh,   ///< NEW: \Recent and not \Seen
  larger,  ///< than `number` octets
  smaller,
  before,  ///< internal date before the day `number`
  on,
  since,
  sent_before,  ///< the same of the Date field
  sent_on,
  sent_since,
  from,  ///< the envelope field holds `value`
  to,
  cc,
  bcc,
  subject,
  header,  ///< the field `field` holds `value`; every value does if it is empty
  body,
  text,
};

struct SearchKey {
  KeyKind kind = KeyKind::all;
  std::int64_t number = 0;
  SequenceSet set{};
  std::string field{};
  std::string value{};  ///< in UTF-8, as mime::fold_case() leaves it
};

enum class Join : std::uint8_t { key, not_of_one, or_of_two, and_of_all };

struct SearchStep {
  Join join = Join::key;
  std::uint32_t operand = 0;  ///< index of the key, or how many values and_of_all takes
};

struct SearchProgram {
  std::vector<SearchKey> keys;
  std::vector<SearchStep> steps;  ///< leave one value on the stack
};

/// Keys of one SEARCH; far beyond what people ask, and small enough that a search costs no more than its messages.
constexpr std::size_t max_search_keys = 1000;

/// Reads [CHARSET astring SP] and the keys up to the end of the command. A charset that is not known is answered
/// NO [BADCHARSET].
[[nodiscard]] SearchProgram parse_search(Parser& parser);

}  // namespace facteur::imapd
