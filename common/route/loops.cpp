// Depth first, with the way so far as a list instead of recursion. An address that was left is never entered again:
// what can be reached from it has been seen.

#include "common/route/loops.h"

#include <algorithm>
#include <map>

#include "common/base/strings.h"
#include "common/route/expand.h"

namespace facteur::route {
namespace {

class Search {
 public:
  explicit Search(const Tables& tables) : tables_(tables) {}

  std::vector<Loop> run() {
    for (const auto& [address, entry] : tables_.virtual_aliases) {
      search(address.starts_with('@') ? "*" + address : address);
    }
    for (const auto& [name, entry] : tables_.aliases) search(name + "@" + tables_.default_domain());
    return std::move(loops_);
  }

 private:
  /// An address on the way.
  struct Place {
    std::string address;
    std::vector<Hop> hops;
    std::size_t next = 0;
  };

  void search(const std::string& from) {
    enter(from);
    while (!way_.empty() && loops_.size() < max_loops) {
      auto& at = way_.back();
      if (at.next == at.hops.size()) {
        on_the_way_[at.address] = false;
        way_.pop_back();
        continue;
      }
      const auto& hop = at.hops[at.next++];
      const auto seen = on_the_way_.find(hop.address);
      if (seen == on_the_way_.end()) {
        enter(hop.address);
      } else if (seen->second) {
        close(hop);
      }
    }
  }

  void enter(const std::string& address) {
    if (!on_the_way_.emplace(address, true).second) return;
    way_.push_back({address, next_hops(address, tables_)});
  }

  void close(const Hop& hop) {
    Loop loop{{}, hop.file, hop.line};
    auto at = std::ranges::find(way_, hop.address, &Place::address);
    for (; at != way_.end(); ++at) loop.addresses.push_back(at->address);
    loop.addresses.push_back(hop.address);
    loops_.push_back(std::move(loop));
  }

  const Tables& tables_;
  std::vector<Place> way_;
  std::map<std::string, bool> on_the_way_;  ///< false: it was left
  std::vector<Loop> loops_;
};

}  // namespace

std::string Loop::what() const {
  auto shown = addresses;
  if (shown.size() > max_shown_addresses) {
    shown.erase(shown.begin() + max_shown_addresses - 2, shown.end() - 2);
    shown[max_shown_addresses - 3] = "...";
  }
  for (auto& address : shown) address = printable(address, 320);
  return "aliases loop: " + join(shown, " -> ");
}

std::vector<Loop> find_loops(const Tables& tables) {
  return Search(tables).run();
}

}  // namespace facteur::route
