// Listeners: from YAML, from the settings of ports and interfaces, and the settings that hold on one of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "config/setting.h"
#include "config/settings.h"
#include "config/yaml.h"

namespace facteur::config {

/// One entry of `listeners:`; `name` is what a complaint calls it.
[[nodiscard]] Result<Listener> parse_listener(const Node& node);
/// The names of the roles in the set, "pop3, imap".
[[nodiscard]] std::string show_roles(Roles roles);
/// As one-line YAML.
[[nodiscard]] std::string show_listener(const Listener& listener);

/// Every socket to open: each port that is not 0 on each of inet_interfaces, then `listeners`. "all" is one IPv6 and
/// one IPv4 socket, as inet_protocols allows; IPv6 sockets take IPv6 only.
[[nodiscard]] std::vector<Listener> all_listeners(const Settings& settings);

/// The setting that makes this one of them: "listeners", or "ports.smtp" and the like.
[[nodiscard]] std::string_view setting_of(const Settings& settings, const Listener& listener);

/// The settings as they are on a listener: with its overrides in place of the general ones.
[[nodiscard]] Result<Settings> settings_on(const Settings& settings, const Listener& listener);
/// The same for the listener of that role at "address:port".
[[nodiscard]] Result<Settings> settings_at(const Settings& settings, Role role, std::string_view where);

}  // namespace facteur::config
