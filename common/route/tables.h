// The compiled tables that say where an address leads. authd makes them from the settings and the files and hands them
// to smtpd and queued as sealed memory; all three then decide alike.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace facteur::route {

/// What replaces an address, and where that is written.
struct Entry {
  std::vector<std::string> targets;  ///< addresses, or names without a domain; "\name" is not expanded any further
  std::string problem;               ///< why the entry cannot be used; mail for it then waits. Empty: it can
  std::string file;
  std::uint32_t line = 0;
  auto fields() { return std::tie(targets, problem, file, line); }
};

struct Tables {
  /// Lower case. The first is the domain of names that have none.
  std::vector<std::string> domains;
  /// Characters that separate a user from a detail.
  std::string delimiters;
  /// By whole address or "@domain", lower case.
  std::map<std::string, Entry> virtual_aliases;
  /// By local-part, lower case; for all of `domains`.
  std::map<std::string, Entry> aliases;
  /// Accounts, lower case, that an address could miss otherwise: those named postmaster, root or mailer-daemon, and
  /// those with a delimiter in their local-part. Sorted.
  std::vector<std::string> exact_accounts;
  /// Who reads mail for postmaster, for root, who has no mailbox, and for mailer-daemon, who writes our bounces. Empty:
  /// nobody is known.
  std::string postmaster;
  std::string postmaster_problem;  ///< why nobody would get that mail; it waits then

  auto fields() {
    return std::tie(domains, delimiters, virtual_aliases, aliases, exact_accounts, postmaster, postmaster_problem);
  }

  [[nodiscard]] bool is_local(std::string_view domain) const;
  /// The first of the domains; "localhost" if there is none.
  [[nodiscard]] std::string default_domain() const;
};

/// The two sides of the last '@'; the domain is empty where there is none.
struct Parts {
  std::string_view local;
  std::string_view domain;
};
[[nodiscard]] Parts split_address(std::string_view address);

}  // namespace facteur::route
