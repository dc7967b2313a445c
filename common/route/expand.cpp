#include "common/route/expand.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>

#include "common/base/strings.h"

namespace facteur::route {

namespace {

/// Which tables an address must still pass: those that led to it from itself are over.
enum Stage : std::uint8_t { all_tables, aliases_only, no_table };

/// An address on the way, and the one that it came from.
struct Item {
  std::string local;   // lower case only for lookups: the case of a foreign local-part is not ours to change
  std::string domain;  // lower case
  Stage stage = all_tables;
  std::size_t parent = 0;  // index into items_; its own for the first
  std::size_t depth = 0;
  const Entry* by = nullptr;  // what led here
  bool stands_for_postmaster = false;

  [[nodiscard]] std::string address() const { return local + "@" + domain; }
  [[nodiscard]] std::string key() const { return to_lower(local) + "@" + domain; }
};

/// Breadth first over a list that only grows; every address passes each stage once, so the work is bounded by the
/// number of entries and by max_recipients_of_alias.
class Walk {
 public:
  explicit Walk(const Tables& tables) : tables_(tables) {}

  Expansion run(std::string_view address) {
    Item first = item(address);
    items_.push_back(std::move(first));
    for (std::size_t i = 0; i < items_.size() && out_.outcome != Outcome::too_many; ++i) visit(i);
    finish();
    return std::move(out_);
  }

  std::vector<Hop> step(std::string_view address) {
    Item first = item(address);
    items_.push_back(std::move(first));
    std::vector<Hop> hops;
    for (std::size_t i = 0; i < items_.size() && out_.outcome != Outcome::too_many; ++i) {
      const Item& at = items_[i];
      if (i == 0 || at.stage != all_tables) {
        visit(i);
      } else if (at.by != nullptr) {
        hops.push_back({at.key(), at.by->file, at.by->line});
      }
    }
    return hops;
  }

 private:
  [[nodiscard]] Item item(std::string_view address) const {
    const auto [local, domain] = split_address(address);
    Item made;
    made.local = local;
    made.domain = domain.empty() ? tables_.default_domain() : to_lower(domain);
    return made;
  }

  void visit(std::size_t index) {
    const Item& at = items_[index];
    if (!seen_.insert(at.key() + static_cast<char>('0' + at.stage)).second) return;
    if (at.stage == all_tables && apply_virtual_alias(index)) return;
    if (!tables_.is_local(at.domain)) return arrive(at, {}, {});
    if (at.stage != no_table && apply_alias(index)) return;
    arrive_locally(index);
  }

  bool apply_virtual_alias(std::size_t index) {
    const Item& at = items_[index];
    const auto& map = tables_.virtual_aliases;
    if (map.empty()) return false;
    auto entry = map.find(at.key());
    if (entry == map.end()) entry = map.find(without_detail(to_lower(at.local)) + "@" + at.domain);
    if (entry == map.end()) entry = map.find("@" + at.domain);
    if (entry == map.end()) return false;
    follow(index, entry->second, "virtual alias", aliases_only);
    return true;
  }

  bool apply_alias(std::size_t index) {
    const auto name = to_lower(items_[index].local);
    auto entry = tables_.aliases.find(name);
    if (entry == tables_.aliases.end() && !is_exact(items_[index])) entry = tables_.aliases.find(without_detail(name));
    if (entry == tables_.aliases.end()) return false;
    follow(index, entry->second, "alias", no_table);
    return true;
  }

  /// Adds the targets of an entry. `own` is the stage of a target that is the address itself.
  void follow(std::size_t index, const Entry& entry, const char* rule, Stage own) {
    note(items_[index], rule, entry.file, entry.line);
    out_.replaced = true;
    if (!entry.problem.empty()) {
      refused_ = entry.file + ":" + std::to_string(entry.line) + ": " + entry.problem;
      return;
    }
    for (const auto& target : entry.targets) add_target(index, target, entry, own);
  }

  void add_target(std::size_t index, std::string_view target, const Entry& entry, Stage own) {
    const bool literal = target.starts_with('\\');
    if (literal) target.remove_prefix(1);
    // "@other.example" keeps the local-part (virtual(5)).
    Item next = target.starts_with('@') ? item(items_[index].local + std::string(target)) : item(target);
    const std::string key = next.key();
    next.stage = literal ? no_table : key == items_[index].key() ? own : all_tables;
    next.parent = index;
    next.by = &entry;
    next.depth = items_[index].depth + 1;
    next.stands_for_postmaster = items_[index].stands_for_postmaster;
    if (next.depth > max_alias_depth || (next.stage == all_tables && is_ancestor(index, key))) {
      note(next, "loop", entry.file, entry.line);
      loop_ = entry.file + ":" + std::to_string(entry.line);
      return;
    }
    if (items_.size() >= 2 * max_recipients_of_alias) return too_many();
    items_.push_back(std::move(next));
  }

  [[nodiscard]] bool is_ancestor(std::size_t index, const std::string& key) const {
    for (std::size_t hops = 0; hops <= max_alias_depth; ++hops) {
      if (items_[index].key() == key) return true;
      if (items_[index].parent == index) return false;
      index = items_[index].parent;
    }
    return false;
  }

  /// The end of the way in one of our domains: the account, but for postmaster (RFC 5321 section 4.5.1) and for root,
  /// who never has a mailbox here.
  void arrive_locally(std::size_t index) {
    const Item& at = items_[index];
    const auto name = to_lower(at.local);
    if (is_exact(at)) return arrive(at, name + "@" + at.domain, {});
    const auto user = without_detail(name);
    const bool nobody = user == "postmaster" || user == "root" || user == "mailer-daemon";
    const bool known = !tables_.postmaster.empty() || !tables_.postmaster_problem.empty();
    if (nobody && known && !at.stands_for_postmaster) {
      note(at, "postmaster", {}, 0);
      out_.replaced = true;
      refused_ = tables_.postmaster_problem;
      if (!refused_.empty()) return;
      Item next = item(tables_.postmaster);
      next.parent = index;
      next.depth = at.depth + 1;
      next.stands_for_postmaster = true;
      items_.push_back(std::move(next));
      return;
    }
    arrive(at, user + "@" + at.domain, name.size() > user.size() ? at.local.substr(user.size() + 1) : "");
  }

  void arrive(const Item& at, std::string account, std::string detail) {
    note(at, account.empty() ? "other domain" : "account", {}, 0);
    Recipient recipient{at.address(), std::move(account), std::move(detail)};
    const auto same = [&](const Recipient& other) {
      return recipient.local() ? other.account == recipient.account && other.detail == recipient.detail
                               : other.address == recipient.address;
    };
    if (std::ranges::any_of(out_.recipients, same)) return;
    if (out_.recipients.size() >= max_recipients_of_alias) return too_many();
    out_.recipients.push_back(std::move(recipient));
  }

  [[nodiscard]] bool is_exact(const Item& at) const {
    return std::ranges::binary_search(tables_.exact_accounts, at.key());
  }
  /// The part before the first delimiter that is not at the front.
  [[nodiscard]] std::string without_detail(const std::string& local) const {
    const auto at = tables_.delimiters.empty() ? std::string::npos : local.find_first_of(tables_.delimiters, 1);
    return local.substr(0, at);
  }

  void note(const Item& at, const char* rule, const std::string& file, std::uint32_t line) {
    if (out_.steps.size() < 2 * max_recipients_of_alias) out_.steps.push_back({at.address(), rule, file, line});
  }
  void too_many() {
    out_.outcome = Outcome::too_many;
    out_.recipients.clear();
    out_.text = "aliases lead to more than " + std::to_string(max_recipients_of_alias) + " recipients";
  }
  void finish() {
    if (out_.outcome == Outcome::too_many) return;
    if (!refused_.empty()) {
      // All or nothing: what is sent now could not be sent again when the entry is mended without doubling the rest.
      out_.outcome = Outcome::refused;
      out_.recipients.clear();
      out_.text = refused_;
    } else if (out_.recipients.empty()) {
      out_.outcome = Outcome::loop;
      out_.text = "aliases loop" + (loop_.empty() ? "" : ": " + loop_);
    }
  }

  const Tables& tables_;
  std::deque<Item> items_;
  std::set<std::string> seen_;
  Expansion out_;
  std::string refused_;
  std::string loop_;
};

}  // namespace

Expansion expand(std::string_view address, const Tables& tables) {
  return Walk(tables).run(address);
}

std::vector<Hop> next_hops(std::string_view address, const Tables& tables) {
  return Walk(tables).step(address);
}

}  // namespace facteur::route
