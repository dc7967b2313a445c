// Settings that are right one by one and wrong together. Pure: what they name is looked at elsewhere (auth/check.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace facteur::config {

/// "facteur.yaml:3:1: NAME: what", or "default: NAME: what" of a setting that was not written.
[[nodiscard]] std::string problem_of(const Loaded& loaded, std::string_view name, std::string_view what);

/// Settings that contradict each other, a line each with its place. A default that a written setting passes by is told
/// only where something would not work.
[[nodiscard]] std::vector<std::string> check_combinations(const Loaded& loaded);

/// The uid of a setting's value, a name or a number; nothing if there is none.
using UidOf = std::function<std::optional<std::uint32_t>(const std::string& name)>;

/// Programs that shall not trust each other run under uids of their own, and none of them is root or the owner of mail:
/// each pair of settings that is one uid, with both names. Without `uid_of`, for installations that may not change
/// uids, nothing.
[[nodiscard]] std::vector<std::string> check_roles(const Loaded& loaded, const UidOf& uid_of);

/// What settings are refused for by themselves, whatever the files and accounts that they name: by `facteur config
/// check`, at the start and at a reload alike. Both of the above.
[[nodiscard]] std::vector<std::string> check_alone(const Loaded& loaded, const UidOf& uid_of);

}  // namespace facteur::config
