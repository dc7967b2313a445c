// Names of files in a Maildir: base name, sizes, flags (https://cr.yp.to/proto/maildir.html; S= and W= as Maildir++).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::store {

/// A file name in its parts; views into it.
struct MaildirName {
  std::string_view base;   ///< what never changes: all before ':'
  std::string_view info;   ///< from ':' on: ":2,FS", or nothing
  std::uint8_t flags = 0;  ///< SystemFlag bits of the letters behind ":2,"
};

/// The parts of a name; nothing if it is no message's: it begins with a dot, or has control characters.
[[nodiscard]] std::optional<MaildirName> parse_maildir_name(std::string_view name);

/// The info part for these flags; letters of `old_info` that we do not know stay.
[[nodiscard]] std::string info_for(std::string_view old_info, std::uint8_t flags);
/// The same with these letters of keywords, in place of those that `old_info` has.
[[nodiscard]] std::string info_for(std::string_view old_info, std::uint8_t flags, std::string_view keywords);
/// True for the letters of keywords, as Dovecot has them.
[[nodiscard]] bool is_keyword_letter(char letter);
/// The letters behind ":2,": Dovecot's keywords are the lower-case ones.
[[nodiscard]] std::string_view info_letters(std::string_view info);

/// Text that can be part of a name: '/', ':' and ',' and control characters become \ooo.
[[nodiscard]] std::string name_part(std::string_view text);
/// The stable part of a delivery's name: "SECONDS.QUEUEID_RECIPIENT.HOST".
[[nodiscard]] std::string delivery_name(std::int64_t arrival, std::string_view queue_id, std::uint32_t recipient,
                                        std::string_view host);
/// A name that no other message has. Names made one after the other in one process sort in that order.
[[nodiscard]] std::string unique_name(std::string_view host);
/// "NAME,S=stored,W=wire".
[[nodiscard]] std::string with_sizes(std::string_view name, std::uint64_t stored, std::uint64_t wire);

/// When a message came: the second of its name, and the time within that second that its name tells ("M123456P…", as
/// for messages that are no deliveries) or else the time its file was written. Names of deliveries stay the same
/// for every attempt, so they hold nothing finer than the second the message was taken in.
struct CameAt {
  std::uint64_t named_seconds = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  friend auto operator<=>(const CameAt&, const CameAt&) = default;
};
[[nodiscard]] CameAt came_at(std::string_view name, std::int64_t written_seconds, std::int64_t written_nanoseconds);

/// True if message `a` came before message `b`, as far as names tell: by their seconds, then as octets.
[[nodiscard]] bool older(std::string_view a, std::string_view b);

}  // namespace facteur::store
