#include "queue/daemon/routing.h"

#include "common/address/address.h"
#include "common/base/strings.h"
#include "common/route/expand.h"

namespace facteur::queue {
namespace {

Routing destination(const route::Recipient& recipient) {
  if (recipient.local()) return ToAccount{recipient.account};
  return ToDomain{std::string(route::split_address(recipient.address).domain)};
}

/// Tables know names without the quotes that SMTP wants around some.
std::string unquoted(const std::string& text) {
  const auto parsed = address::parse(text);
  if (!parsed || parsed->domain.empty()) return text;
  return parsed->local_part + "@" + parsed->domain;
}

}  // namespace

Router::Router(route::Tables tables) : tables_(std::move(tables)), final_tables_(tables_) {
  final_tables_.aliases.clear();
  final_tables_.virtual_aliases.clear();
}

Routing Router::decide(const Recipient& recipient) const {
  const bool replaced_another = recipient.parent != 0;
  const auto address = unquoted(recipient.address);
  const auto expansion = route::expand(address, replaced_another ? final_tables_ : tables_);
  switch (expansion.outcome) {
    case route::Outcome::found: break;
    case route::Outcome::refused: return NoWay{Fate::deferred, "4.3.5", "alias database problem: " + expansion.text};
    case route::Outcome::loop:
    case route::Outcome::too_many: return NoWay{Fate::failed, "5.4.6", expansion.text};
  }
  const auto& found = expansion.recipients;
  const bool itself = found.size() == 1 && (replaced_another || iequals(found.front().address, address));
  if (!expansion.replaced || itself) return destination(found.front());
  ToOthers others;
  for (const auto& other : found) others.addresses.push_back(other.address);
  return others;
}

}  // namespace facteur::queue
