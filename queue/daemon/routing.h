// What is to be done with a recipient: a pure function of its record and the tables, asked anew at every attempt.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/route/tables.h"
#include "queue/doors.h"
#include "queue/format/envelope.h"

namespace facteur::queue {

/// It is a mailbox of ours, if it exists.
struct ToAccount {
  std::string account;
};
/// Another host has it.
struct ToDomain {
  std::string domain;  ///< or an address literal with its brackets
};
/// Others stand in its place.
struct ToOthers {
  std::vector<std::string> addresses;
};
/// There is no way, now or ever.
struct NoWay {
  Fate fate = Fate::failed;
  std::string status;
  std::string text;
};
using Routing = std::variant<ToAccount, ToDomain, ToOthers, NoWay>;

/// The tables as queued uses them.
class Router {
 public:
  explicit Router(route::Tables tables);

  /// A recipient that replaced another is not replaced again: its aliases were all followed then.
  [[nodiscard]] Routing decide(const Recipient& recipient) const;
  [[nodiscard]] const route::Tables& tables() const { return tables_; }

 private:
  route::Tables tables_;
  route::Tables final_tables_;  // without aliases
};

}  // namespace facteur::queue
