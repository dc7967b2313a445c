// The header fields in which an mbox keeps what a mail reader knows of a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::store {

/// What these fields say.
struct MboxStatus {
  std::uint8_t system_flags = 0;      ///< Status: R; X-Status: A F D T
  std::vector<std::string> keywords;  ///< X-Keywords
  std::uint32_t uid_validity = 0;     ///< X-IMAPbase or X-IMAP; 0 if there is none
  bool internal = false;              ///< X-IMAP: it may be the pseudo-message of c-client
};

/// True for a field that readers do not see, because it changes: Status, X-Status, X-Keywords, X-UID, X-IMAPbase,
/// X-IMAP.
[[nodiscard]] bool is_status_field(std::string_view line);
/// True for a field that mail from outside must not bring along: those, and Content-Length.
[[nodiscard]] bool is_forgeable_field(std::string_view line);

/// Reads one field (a whole line) into what is known so far. Bad values are left out.
void read_status_field(std::string_view line, MboxStatus& status);

/// The fields for these flags, each with LF; nothing for none.
[[nodiscard]] std::string status_fields(std::uint8_t system_flags, const std::vector<std::string>& keywords);

/// A header (raw octets up to and with its empty line) with other flags; its X-UID and X-IMAPbase stay.
[[nodiscard]] std::string with_status(std::string_view header, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords);

/// A header, or lines of one, without the fields that could be forged.
[[nodiscard]] std::string without_forgeable(std::string_view header);

/// Subject of the message in which c-client keeps what belongs to the folder.
constexpr std::string_view pseudo_subject = "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";

}  // namespace facteur::store
