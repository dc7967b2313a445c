// The From_ line that begins a message of an mbox: "From sender Wed Nov 22 13:05:09 2026".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::store {

/// The date of such a line (without LF), seconds since 1970; nothing if it is none. Of every dialect: with or without
/// sender, seconds and zone, with the date of RFC 5322 too; a line of prose that begins with "From " has no date.
[[nodiscard]] std::optional<std::int64_t> parse_from_line(std::string_view line);

/// The line with its LF, the date in local time as mail programs write it. An empty sender is MAILER-DAEMON.
[[nodiscard]] std::string from_line(std::string_view sender, std::int64_t date);

/// True for a line that mboxrd quotes with one more '>': /^>*From /.
[[nodiscard]] bool wants_quote(std::string_view line);

}  // namespace facteur::store
