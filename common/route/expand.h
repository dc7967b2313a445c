// Where an address leads: the one answer of smtpd, queued and `facteur explain`. A pure function of address and tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/route/tables.h"

namespace facteur::route {

/// One end of the way.
struct Recipient {
  std::string address;  ///< as it was reached: lower-case domain
  std::string account;  ///< "jim@minfo.sn" if the domain is ours; whether it exists is authd's to say
  std::string detail;   ///< "lists" of jim+lists
  [[nodiscard]] bool local() const { return !account.empty(); }
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

/// A rule that was applied, in order.
struct Step {
  std::string address;
  std::string rule;  ///< "alias", "virtual alias", "postmaster", "account", "other domain", "loop", ...
  std::string file;  ///< where the rule is written; empty for rules that are not
  std::uint32_t line = 0;
};

enum class Outcome : std::uint8_t {
  found,     ///< `recipients` has at least one
  loop,      ///< the aliases lead only to themselves: 5.4.6
  refused,   ///< an entry on the way cannot be used: 4.3.5 until it is mended
  too_many,  ///< more than `max_recipients_of_alias`: 5.4.6
};

struct Expansion {
  Outcome outcome = Outcome::found;
  std::vector<Recipient> recipients;  ///< each once
  bool replaced = false;  ///< an alias was applied: then an account that does not exist is no reason to refuse
  std::vector<Step> steps;
  std::string text;  ///< why, when the outcome is not found: "aliases loop: /etc/aliases:7"
};

/// Postfix's virtual_alias_expansion_limit and virtual_alias_recursion_limit.
constexpr std::size_t max_recipients_of_alias = 1000;
constexpr std::size_t max_alias_depth = 50;

/// Follows virtual aliases, then, in our domains, aliases and the rules of postmaster. An address without a domain is
/// in the first of ours. An alias that names itself means the account of that name; a longer way back is a loop, which
/// is cut: what the other targets reach still counts. The local-part comes unquoted.
[[nodiscard]] Expansion expand(std::string_view address, const Tables& tables);

/// An address that an entry of the tables replaces another one with; in lower case.
struct Hop {
  std::string address;
  std::string file;  ///< where the entry is written
  std::uint32_t line = 0;
};

/// One step of that way: what the entries for an address lead to, but for itself and for what ends there.
[[nodiscard]] std::vector<Hop> next_hops(std::string_view address, const Tables& tables);

}  // namespace facteur::route
