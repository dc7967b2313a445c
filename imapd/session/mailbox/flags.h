// Flags as words: the system flags of RFC 3501 section 2.3.2, and keywords.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mailbox.h"
#include "imapd/wire/parser.h"

namespace facteur::imapd {

/// Flags by name, as a client gives them.
struct FlagNames {
  std::uint8_t system = 0;
  std::vector<std::string> keywords;
};

/// "\Seen $Work", without parentheses.
[[nodiscard]] std::string show_flags(const store::Flags& flags, const std::vector<std::string>& keywords, bool recent);

/// flag-list, with parentheses. \Recent and flags that begin with "\" and are not known are faults (section 9:
/// flag-extension is for the server).
[[nodiscard]] FlagNames parse_flag_list(Parser& parser);
/// STORE also takes them without parentheses.
[[nodiscard]] FlagNames parse_store_flags(Parser& parser);
/// The bit of a keyword, in any case of letters; 0 if the mailbox has none of that name.
[[nodiscard]] std::uint64_t keyword_bit(const std::vector<std::string>& keywords, std::string_view name);

}  // namespace facteur::imapd
