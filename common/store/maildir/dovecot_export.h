// What Dovecot reads beside a Maildir, written from a UID list: the way out, as dovecot_import.h is the way in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/maildir/dovecot_import.h"
#include "common/store/uids/state.h"

namespace facteur::store {

/// The keywords that a mailbox's file names can say, each by the letter of its place ('a' is 0).
struct KeywordLetters {
  std::vector<std::string> names;     ///< `keyword_letters` of them; empty where a letter is free
  std::vector<std::string> left_out;  ///< keywords of messages for which no letter was left

  /// The letters of these bits of `table`, ascending.
  [[nodiscard]] std::string of(std::uint64_t bits, const std::vector<std::string>& table) const;
};

/// Letters for the keywords that messages of the list have. One that has a letter in `before` keeps it; of the others
/// those with most messages come first, and take free letters before those of keywords that no message has.
[[nodiscard]] KeywordLetters letters_for(const UidState& state, std::vector<std::string> before);

/// The file dovecot-keywords.
[[nodiscard]] std::string format_dovecot_keywords(const KeywordLetters& letters);

/// The file dovecot-uidlist, in version 3, of those messages that have a file. `guid`: 32 hexadecimal digits that name
/// the mailbox.
[[nodiscard]] std::string format_dovecot_uidlist(const UidState& state, std::string_view guid);

}  // namespace facteur::store
