#include "common/route/tables.h"

#include <algorithm>

#include "common/base/strings.h"

namespace facteur::route {

bool Tables::is_local(std::string_view domain) const {
  return std::ranges::any_of(domains, [&](const auto& ours) { return iequals(ours, domain); });
}

std::string Tables::default_domain() const {
  return domains.empty() ? "localhost" : domains.front();
}

Parts split_address(std::string_view address) {
  const auto at = address.rfind('@');
  if (at == std::string_view::npos) return {address, {}};
  return {address.substr(0, at), address.substr(at + 1)};
}

}  // namespace facteur::route
