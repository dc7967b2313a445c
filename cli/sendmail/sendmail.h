// What the program does, by its mode.
#pragma once

#include <span>
#include <string_view>

namespace facteur::cli::sendmail {

/// sendmail(1), mailq(1) and newaliases(1), told apart by the last part of `program`. Nothing is opened before the
/// arguments are found good. Complaints go to stderr; gives an exit code of sysexits.h.
[[nodiscard]] int run(std::string_view program, std::span<const std::string_view> arguments);

}  // namespace facteur::cli::sendmail
