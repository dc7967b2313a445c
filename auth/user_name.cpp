#include "auth/user_name.h"

#include <algorithm>

#include "common/base/strings.h"
#include "config/checks.h"

namespace facteur::auth {

namespace {
constexpr std::size_t max_name = 254;
constexpr std::size_t max_local_part = 64;
}  // namespace

std::optional<std::string> canonical_name(std::string_view name) {
  if (name.empty() || name.size() > max_name) return std::nullopt;
  const auto at = name.find('@');
  const auto local = name.substr(0, at);
  const auto fine = [](char c) { return is_alnum(c) || std::string_view("._+=-").contains(c); };
  if (local.empty() || local.size() > max_local_part || !std::ranges::all_of(local, fine)) return std::nullopt;
  if (!is_alnum(local.front()) && local.front() != '_') return std::nullopt;
  if (at != std::string_view::npos && config::host_name(name.substr(at + 1))) return std::nullopt;
  if (iequals(local, "root")) return std::nullopt;
  return to_lower(name);
}

}  // namespace facteur::auth
