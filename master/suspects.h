// What processes had in hand when they aborted (DESIGN section 3, "Failure"): after two aborts on one name it is left
// alone by their successors.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "master/child.h"

namespace facteur::master {

/// Names are of two kinds, which a child cannot choose: programs of the queue note queue ids, workers accounts.
class Suspects {
 public:
  /// A queue id that has made programs abort twice.
  explicit Suspects(std::function<void(const std::string& queue_id)> on_message);

  /// A child has ended with this status of waitpid(2).
  void child_died(const Child& child, int status);
  /// Whether workers aborted twice on this account: then it is served by one of its own.
  [[nodiscard]] bool is_suspect_account(const std::string& name) const;
  /// For a new queued.
  [[nodiscard]] std::vector<std::string> messages() const;

  static constexpr unsigned aborts_allowed = 2;
  /// Names that are remembered; beyond them all is forgotten and counted anew.
  static constexpr std::size_t most_names = 10'000;

 private:
  using Counts = std::map<std::string, unsigned, std::less<>>;
  std::function<void(const std::string&)> on_message_;
  Counts messages_;
  Counts accounts_;
};

}  // namespace facteur::master
