#include "auth/tickets.h"

#include "common/base/random.h"

namespace facteur::auth {

std::optional<std::string> Tickets::issue(Bond bond, std::string login, MonotonicTime now) {
  if (open_.size() >= max_open) std::erase_if(open_, [now](const auto& entry) { return entry.second.until <= now; });
  if (open_.size() >= max_open) return std::nullopt;
  auto ticket = random_octets(16);
  open_.emplace(ticket, Open{std::move(bond), std::move(login), now + lifetime});
  return ticket;
}

std::optional<std::string> Tickets::redeem(const std::string& ticket, const Bond& bond, MonotonicTime now) {
  auto taken = open_.extract(ticket);
  if (!taken || now >= taken.mapped().until || taken.mapped().bond != bond) return std::nullopt;
  return std::move(taken.mapped().login);
}

void Tickets::forget(std::uint32_t instance) {
  std::erase_if(open_, [instance](const auto& entry) { return entry.second.bond.instance == instance; });
}

}  // namespace facteur::auth
