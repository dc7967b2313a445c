// Passwords and their hashes, by libxcrypt. Calls take milliseconds by design: in a server they run on the work pool.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace facteur::auth {

/// Longer ones are wrong (CRYPT_MAX_PASSPHRASE_SIZE).
constexpr std::size_t max_password = 511;

/// True if `password` gives `hash`. The time does not depend on how much of it is right.
[[nodiscard]] bool verify_password(std::string_view password, const std::string& hash);

/// A hash for a new password: yescrypt with a fresh salt. Kind::permanent for an empty or too long password, or one
/// with a NUL.
[[nodiscard]] Result<std::string> hash_password(std::string_view password);

/// Whether a text is a hash that verify_password() can use. "*" and "!" in front lock an account and are fine.
[[nodiscard]] bool is_hash(const std::string& text);

/// A hash that no password gives and that costs what a new hash costs: checked in the place of an unknown user's.
[[nodiscard]] const std::string& dummy_hash();

}  // namespace facteur::auth
