// The file of subscriptions, in Dovecot's format.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/fs/files.h"

namespace facteur::store {

constexpr std::size_t max_subscriptions_file = 16 << 20;

/// The names in the text of such a file, version 1 or 2; what is no mailbox name is left out.
[[nodiscard]] std::set<std::string> parse_subscriptions(std::string_view text);
/// The text for these names, version 2.
[[nodiscard]] std::string format_subscriptions(const std::set<std::string>& names);

/// Reads the file of the account in this folder; no names if there is none.
[[nodiscard]] Result<std::set<std::string>> read_subscriptions(int directory, fs::Files& files);
/// Replaces the file, durably. The caller holds the lock of the account.
[[nodiscard]] Result<> write_subscriptions(int directory, const std::set<std::string>& names, fs::Files& files);

/// Adds or removes a name under the account's lock. Kind::permanent if it is no mailbox name.
[[nodiscard]] Result<> change_subscription(int directory, std::string_view name, bool on, fs::Files& files);

}  // namespace facteur::store
