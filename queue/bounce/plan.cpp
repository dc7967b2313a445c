#include "queue/bounce/plan.h"

#include <algorithm>

namespace facteur::queue {
namespace {

bool wants_report(const Recipient& recipient) {
  return recipient.notify == 0 || (recipient.notify & notify::failure) != 0;
}

}  // namespace

std::vector<BouncePlan> plan_bounces(const Message& message, std::span<const std::uint32_t> failed,
                                     std::string_view postmaster) {
  std::vector<BouncePlan> plans;
  if (message.envelope.protocol == double_bounce_protocol) return plans;
  for (const auto number : failed) {
    const auto& recipient = message.recipients.at(number - 1).recipient;
    if (!wants_report(recipient)) continue;
    const std::string& reverse_path = message.reverse_path(recipient);
    const bool to_postmaster = reverse_path.empty();
    const std::string_view to = to_postmaster ? postmaster : std::string_view(reverse_path);
    auto plan = std::ranges::find_if(
        plans, [&](const BouncePlan& p) { return p.to == to && p.to_postmaster == to_postmaster; });
    if (plan == plans.end()) plan = plans.insert(plans.end(), {std::string(to), {}, to_postmaster});
    plan->numbers.push_back(number);
  }
  return plans;
}

}  // namespace facteur::queue
