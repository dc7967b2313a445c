// Names of mailboxes.
#include "common/store/mailbox_name.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"

namespace facteur::store {
namespace {

constexpr std::string_view inbox = "INBOX";

/// Names of Maildir's folders and of files beside them: never mailboxes, in no store, so that a move between stores
/// does not make them so.
constexpr std::array<std::string_view, 11> reserved{
    "new",           "cur",         "tmp",          "dovecot-uidlist", "dovecot-keywords", "subscriptions",
    "maildirfolder", "maildirsize", "facteur-uids", "dovecot.index",   "facteur"};

bool good_level(std::string_view level) {
  const auto bad = [](char c) { return is_control(c) || c == '*' || c == '%'; };
  return !level.empty() && level.front() != '.' && level.front() != '~' && std::ranges::none_of(level, bad) &&
         std::ranges::find(reserved, level) == reserved.end();
}

}  // namespace

Result<std::string> canonical_name(std::string_view name) {
  const auto refuse = [&] { return fail(Kind::permanent, "not a mailbox name: " + printable(name, 64)); };
  if (name.empty() || name.size() > max_name_length || !is_utf8(name)) return refuse();
  const auto levels = split(name, '/');
  if (levels.size() > max_name_levels || !std::ranges::all_of(levels, good_level)) return refuse();
  std::string out(name);
  if (iequals(levels.front(), inbox)) out.replace(0, inbox.size(), inbox);
  return out;
}

bool is_below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() && name.starts_with(parent) && name[parent.size()] == '/';
}

std::vector<Listed> listing(const std::set<std::string>& names) {
  std::set<std::string> all = names;
  for (const auto& name : names) {
    for (auto end = name.find('/'); end != std::string::npos; end = name.find('/', end + 1)) {
      all.insert(name.substr(0, end));
    }
  }
  std::vector<Listed> out;
  for (const auto& name : all) {
    const auto child = all.lower_bound(name + '/');
    out.push_back({.name = name,
                   .selectable = names.contains(name),
                   .has_children = child != all.end() && is_below(*child, name)});
  }
  std::ranges::stable_partition(out, [](const Listed& listed) { return listed.name == inbox; });
  return out;
}

}  // namespace facteur::store
