#include "common/dsn/status.h"

#include <algorithm>
#include <array>

namespace facteur::dsn {
namespace {

struct Meaning {
  std::string_view code;  ///< subject and detail, or a subject with its dot
  std::string_view text;
};

constexpr std::array<Meaning, 38> meanings{{{"1.0", "Other address status"},
                                            {"1.1", "Bad destination mailbox address"},
                                            {"1.2", "Bad destination system address"},
                                            {"1.3", "Bad destination mailbox address syntax"},
                                            {"1.4", "Destination mailbox address ambiguous"},
                                            {"1.6", "Destination mailbox has moved, no forwarding address"},
                                            {"1.7", "Bad sender's mailbox address syntax"},
                                            {"1.8", "Bad sender's system address"},
                                            {"1.10", "Recipient address has null MX"},
                                            {"2.0", "Other or undefined mailbox status"},
                                            {"2.1", "Mailbox disabled, not accepting messages"},
                                            {"2.2", "Mailbox full"},
                                            {"2.3", "Message length exceeds administrative limit"},
                                            {"2.4", "Mailing list expansion problem"},
                                            {"3.0", "Other or undefined mail system status"},
                                            {"3.1", "Mail system full"},
                                            {"3.2", "System not accepting network messages"},
                                            {"3.4", "Message too big for system"},
                                            {"3.5", "System incorrectly configured"},
                                            {"4.1", "No answer from host"},
                                            {"4.2", "Bad connection"},
                                            {"4.3", "Directory server failure"},
                                            {"4.4", "Unable to route"},
                                            {"4.5", "Mail system congestion"},
                                            {"4.6", "Routing loop detected"},
                                            {"4.7", "Delivery time expired"},
                                            {"5.3", "Too many recipients"},
                                            {"6.1", "Media not supported"},
                                            {"6.3", "Conversion required but not supported"},
                                            {"6.7", "Non-ASCII addresses not permitted for that sender or recipient"},
                                            {"7.1", "Delivery not authorized, message refused"},
                                            {"1.", "Addressing problem"},
                                            {"2.", "Mailbox problem"},
                                            {"3.", "Mail system problem"},
                                            {"4.", "Network or routing problem"},
                                            {"5.", "Mail delivery protocol problem"},
                                            {"6.", "Message content or media problem"},
                                            {"7.", "Security or policy problem"}}};

}  // namespace

bool is_status(std::string_view text) {
  if (text.empty() || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return false;
  return smtp::enhanced_code_of((text[0] - '0') * 100, text) == text;
}

std::string status_of(const smtp::Reply& reply) {
  if (is_status(reply.enhanced)) return reply.enhanced;
  if (reply.positive()) return "2.0.0";
  return reply.permanent() ? "5.0.0" : "4.0.0";
}

std::string_view describe_status(std::string_view status) {
  if (!is_status(status)) return "Other or undefined status";
  const auto code = status.substr(2);
  for (const auto& [known, text] : meanings) {
    if (known.ends_with('.') ? code.starts_with(known) : code == known) return text;
  }
  return "Other or undefined status";
}

}  // namespace facteur::dsn
