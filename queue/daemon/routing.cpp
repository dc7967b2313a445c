#include "queue/daemon/routing.h"

#include "common/base/strings.h"
#include "common/route/expand.h"

namespace facteur::queue {
namespace {

Routing destination(const route::Recipient& recipient) {
  if (recipient.local()) return ToAccount{recipient.account};
  return ToDomain{std::string(route::split_address(recipient.address).domain)};
}

}  // namespace

Router::Router(route::Tables tables) : tables_(std::move(tables)), final_tables_(tables_) {
  final_tables_.aliases.clear();
  final_tables_.virtual_aliases.clear();
}

Routing Router::decide(const Recipient& recipient) const {
  const bool replaced_another = recipient.parent != 0;
  const auto expansion = route::expand(recipient.address, replaced_another ? final_tables_ : tables_);
  switch (expansion.outcome) {
    case route::Outcome::found: break;
    case route::Outcome::refused: return NoWay{Fate::deferred, "4.3.5", "alias database problem: " + expansion.text};
    case route::Outcome::loop:
    case route::Outcome::too_many: return NoWay{Fate::failed, "5.4.6", expansion.text};
  }
  const auto& found = expansion.recipients;
  const bool itself = found.size() == 1 && (replaced_another || iequals(found.front().address, recipient.address));
  if (!expansion.replaced || itself) return destination(found.front());
  ToOthers others;
  for (const auto& other : found) others.addresses.push_back(other.address);
  return others;
}

}  // namespace facteur::queue
