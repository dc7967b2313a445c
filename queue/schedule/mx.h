// Which hosts take the mail of a domain, in which order: the rules of RFC 5321 section 5.1 and RFC 7505 over what DNS
// answered. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/doors.h"

namespace facteur::queue {

/// What this host is, and where it never connects.
struct MxRules {
  std::string hostname;                                     ///< our own name
  std::function<bool(std::string_view ip)> is_own;          ///< one of our listeners answers there
  std::function<bool(std::string_view ip)> is_unreachable;  ///< no host of the Internet has it (127/8, multicast …)
};

/// Why there is nobody to send to.
struct Unroutable {
  Fate fate = Fate::deferred;
  std::string status;
  std::string text;
};

/// The hosts that may be tried, best preference first.
struct Exchange {
  std::string site;  ///< the same for all domains that have these hosts
  std::vector<MxHost> hosts;
};

/// Hosts of one message's attempt that are handed to `remote`.
constexpr std::size_t max_targets = 5;  // mx_address_limit

/// Judges an answer of DNS about `domain`.
[[nodiscard]] std::expected<Exchange, Unroutable> judge_answer(const Resolved& answer, std::string_view domain,
                                                               const MxRules& rules);

/// The addresses to try, at most max_targets: by preference, hosts of equal preference in random order (`below(n)`
/// gives a number under n), each with its addresses in the order of the answer.
[[nodiscard]] std::vector<Target> choose_targets(const Exchange& exchange, std::uint16_t port,
                                                 const std::function<std::uint64_t(std::uint64_t)>& below);

}  // namespace facteur::queue
