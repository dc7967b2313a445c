#include "auth/users_file.h"

#include <fmt/format.h>

#include "auth/password.h"
#include "auth/user_name.h"
#include "common/base/number.h"
#include "common/base/strings.h"
#include "config/checks.h"

namespace facteur::auth {

namespace {

using config::Node;

std::string at(const Node& node, const std::string& why) {
  return node.place.text() + ": " + why;
}

/// Puts one part into the user; gives what is wrong with it.
std::string set_part(User& user, const Node& key, const Node& value) {
  if (value.type != Node::Type::scalar) return at(value, fmt::format("{}: {} is not a text", key.text, value.what()));
  const auto id = parse_number<std::uint32_t>(value.text);
  config::Complaint complaint;
  if (key.text == "password") {
    // The value may be a password in the clear: it is not shown.
    if (!is_hash(value.text)) return at(value, "password: not a hash of crypt(5); `facteur user passwd` makes one");
    user.password = value.text;
  } else if (key.text == "mail") {
    complaint = config::mail_place(value.text);
    user.mail = value.text;
  } else if (key.text == "home") {
    complaint = config::absolute_path(value.text);
    user.home = value.text;
  } else if (key.text == "uid" || key.text == "gid") {
    if (!id || *id == 0) complaint = "is not a number from 1 to 4294967295";
    (key.text == "uid" ? user.uid : user.gid) = id;
  } else {
    return at(key, key.what() + " is none of password, mail, home, uid, gid");
  }
  return complaint ? at(value, fmt::format("{}: {} {}", key.text, value.what(), *complaint)) : "";
}

void read_entry(User& user, const Node& value) {
  if (value.type == Node::Type::scalar) {
    Node key;
    key.text = "password";
    user.problem = set_part(user, key, value);
  } else if (value.type == Node::Type::map) {
    for (const auto& [key, part] : value.entries) {
      user.problem = set_part(user, key, part);
      if (!user.problem.empty()) return;
    }
  } else {
    user.problem = at(value, fmt::format("{}: {} is neither a hash nor a map", user.name, value.what()));
  }
  if (user.problem.empty() && user.password.empty()) user.problem = at(value, user.name + " has no password");
}

}  // namespace

Result<UsersFile> parse_users(std::string_view text, const std::string& file, const std::string& default_domain) {
  const auto root = config::parse_yaml(text, file);
  if (!root) return fail(root);
  UsersFile out;
  if (root->type == Node::Type::null) return out;
  if (root->type != Node::Type::map) return fail(Kind::permanent, at(*root, "users are a map, 'name: ...'"));
  for (const auto& [key, value] : root->entries) {
    const auto name = canonical_name(key.text);
    if (!name) {
      out.problems.push_back(
          at(key, fmt::format("{} is not a name that an account may have: {}", key.what(), account_name_rule)));
      continue;
    }
    User user;
    user.name = name->contains('@') ? *name : *name + "@" + default_domain;
    user.place = key.place;
    if (out.users.size() >= max_users)
      return fail(Kind::permanent, at(key, fmt::format("more than {} users", max_users)));
    read_entry(user, value);
    if (!user.problem.empty()) out.problems.push_back(user.problem);
    if (out.first.empty()) out.first = user.name;
    const auto [other, fresh] = out.users.emplace(user.name, user);
    if (!fresh) {
      out.problems.push_back(
          at(key, fmt::format("{} is there twice (first on line {})", user.name, other->second.place.line)));
    }
  }
  return out;
}

}  // namespace facteur::auth
