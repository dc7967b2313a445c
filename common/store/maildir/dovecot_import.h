// What Dovecot keeps beside a Maildir, so that people move in without their clients fetching everything again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::store {

constexpr std::size_t max_dovecot_file = 256 << 20;  ///< octets of a dovecot-uidlist that are read
constexpr std::size_t keyword_letters = 26;          ///< a file name says keywords as a to z

/// A dovecot-uidlist.
struct DovecotUids {
  std::uint32_t uid_validity = 0;  ///< 0: there is none, or it cannot be read
  Uid uid_next = 1;
  std::string guid;                  ///< 32 hexadecimal digits that name the mailbox; may be empty
  std::map<Uid, std::string> bases;  ///< base names
};

/// Reads versions 1 and 3. A line that breaks the rules ends the reading: what is left out gets new UIDs.
[[nodiscard]] DovecotUids parse_dovecot_uidlist(std::string_view text);

/// Names by letter ('a' is 0), from dovecot-keywords ("0 name" a line); empty names where there is none.
[[nodiscard]] std::vector<std::string> parse_dovecot_keywords(std::string_view text);

}  // namespace facteur::store
