#include "auth/sources.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

#include "auth/user_name.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "common/route/aliases_file.h"
#include "common/route/expand.h"
#include "config/value.h"
#include "config/yaml.h"

namespace facteur::auth {

namespace {

constexpr std::size_t max_file = 64 << 20;
/// uids of people on Debian (policy section 9.2.2); the one who reads postmaster's mail is one of them.
constexpr std::uint32_t last_person = 59'999;

class Compiler {
 public:
  Compiler(const config::Settings& settings, const Powers& powers, Passwd& passwd, const std::vector<std::string>& had)
      : settings_(settings), powers_(powers), passwd_(passwd), had_(had) {}

  Compiled out;
  std::string fatal;  ///< what could not be read as a whole, a line each

  void run() {
    out.tables.domains = settings_.domains;
    out.tables.delimiters = settings_.recipient_delimiter;
    read_aliases();
    read_virtual_aliases();
    auto users = read_users();
    find_exact_accounts(users);
    find_postmaster(users);
    out.accounts = std::make_shared<const Accounts>(settings_, powers_, std::move(users), passwd_);
    check_postmaster();
  }

 private:
  void give_up(const std::string& why) { fatal += (fatal.empty() ? "" : "\n") + why; }

  /// The text of a file; empty if it cannot be had.
  std::string text_of(const std::string& path, bool must_exist) {
    const bool had = std::ranges::find(had_, path) != had_.end();
    auto text = fs::read_file(path, max_file);
    if (text && (!text->empty() || !had)) {
      if (!text->empty()) out.files.push_back(path);
      return std::move(*text);
    }
    if (text) {
      give_up(path + " is empty");
    } else if (must_exist || had || text.error().errno_value != ENOENT) {
      give_up(text.error().text);
    }
    return {};
  }

  void read_aliases() {
    for (const auto& path : settings_.aliases) {
      auto file = route::parse_aliases(text_of(path, false), path);
      for (const auto& problem : file.problems) out.problems.push_back(problem.what());
      for (auto& [name, entry] : file.entries) {
        const auto [first, fresh] = out.tables.aliases.emplace(name, std::move(entry));
        if (!fresh) {
          out.problems.push_back(
              fmt::format("{}: alias '{}' is also in {}, which holds", path, printable(name, 200), first->second.file));
        }
      }
    }
  }

  void read_virtual_aliases() {
    const auto& table = settings_.virtual_alias_maps;
    for (const auto& [address, targets] : table.entries) {
      const auto& entry = add_virtual(address, targets, "virtual_alias_maps", 0);
      if (!entry.problem.empty()) tell_virtual("virtual_alias_maps", address, entry);
    }
    if (table.file.empty()) return;
    const auto root = config::parse_yaml(text_of(table.file, true), table.file);
    if (!root) return give_up(root.error().text);
    if (root->type == config::Node::Type::null) return;
    if (root->type != config::Node::Type::map) return give_up(root->place.text() + ": not a map, 'address: [address]'");
    for (const auto& [key, value] : root->entries) {
      std::vector<std::string> targets;
      const auto done = config::table_values(value, targets);
      auto& entry = add_virtual(key.text, std::move(targets), table.file, key.place.line);
      if (!done) entry.problem = done.error().text;
      if (!entry.problem.empty()) tell_virtual(value.place.text(), key.text, entry);
    }
  }
  void tell_virtual(const std::string& where, const std::string& address, const route::Entry& entry) {
    out.problems.push_back(fmt::format("{}: {}: {}", where, printable(address, 200), entry.problem));
  }
  /// "@domain" is a target here, which keeps the local-part (virtual(5)).
  static std::string problem_of_virtual(const std::vector<std::string>& targets) {
    for (const auto& target : targets) {
      const auto why = route::refuse_target(target.starts_with('@') ? "x" + target : target);
      if (why) return *why;
    }
    return {};
  }
  route::Entry& add_virtual(const std::string& address, std::vector<std::string> targets, const std::string& file,
                            std::uint32_t line) {
    auto& entry = out.tables.virtual_aliases[to_lower(address)];
    auto problem = problem_of_virtual(targets);
    entry = {std::move(targets), std::move(problem), file, line};
    return entry;
  }

  UsersFile read_users() {
    if (settings_.users.empty()) return {};
    const auto domain = settings_.domains.empty() ? "localhost" : settings_.domains.front();
    const auto before = fatal.size();
    auto users = parse_users(text_of(settings_.users, true), settings_.users, domain);
    if (!users) give_up(users.error().text);
    if (fatal.size() > before) {
      UsersFile unread;
      unread.unreadable = true;
      return unread;
    }
    out.problems.insert(out.problems.end(), users->problems.begin(), users->problems.end());
    return std::move(*users);
  }

  void find_exact_accounts(const UsersFile& users) {
    auto& exact = out.tables.exact_accounts;
    const auto consider = [&](std::string_view local, std::string_view domain) {
      const bool special = local == "postmaster" || local == "root" || local == "mailer-daemon" ||
                           local.find_first_of(settings_.recipient_delimiter, 1) != std::string_view::npos;
      if (special) exact.push_back(fmt::format("{}@{}", local, domain));
    };
    for (const auto& [name, user] : users.users) {
      const auto [local, domain] = route::split_address(name);
      consider(local, domain);
    }
    for (const auto& user : passwd_.local_users()) {
      if (!settings_.system_users || !canonical_name(user.name) || user.uid < settings_.first_valid_uid) continue;
      for (const auto& domain : settings_.domains) consider(user.name, domain);
    }
    std::ranges::sort(exact);
    exact.erase(std::ranges::unique(exact).begin(), exact.end());
  }

  /// RFC 5321 section 4.5.1 wants a reader for postmaster; without one by setting or alias it is the first account.
  void find_postmaster(const UsersFile& users) {
    out.tables.postmaster = settings_.postmaster_address;
    if (out.tables.postmaster.empty()) out.tables.postmaster = users.first;
    if (!out.tables.postmaster.empty() || !settings_.system_users) return;
    for (const auto& user : passwd_.local_users()) {
      const bool person = user.uid >= std::max<std::uint64_t>(settings_.first_valid_uid, 1) && user.uid <= last_person;
      if (!person || !canonical_name(user.name)) continue;
      out.tables.postmaster = user.name;
      return;
    }
  }

  /// Why mail for this address would reach nobody; empty if it reaches somebody, or that cannot be known now.
  [[nodiscard]] std::string nobody_at(const std::string& address) const {
    const auto way = route::expand(address, out.tables);
    if (way.outcome != route::Outcome::found) return way.text;
    std::string missing;
    for (const auto& recipient : way.recipients) {
      if (!recipient.local() || out.accounts->find(recipient.account).existence != Existence::unknown) return {};
      missing += (missing.empty() ? "" : ", ") + recipient.account;
    }
    return "there is no account " + printable(missing, 200);
  }

  /// What is sent to postmaster with a null reverse-path, reports of the queue for one, cannot be returned to anybody:
  /// it is taken only where it leads to somebody.
  void check_postmaster() {
    auto& tables = out.tables;
    const auto refused = tables.postmaster.empty() ? std::nullopt : route::refuse_target(tables.postmaster);
    if (refused || !tables.postmaster.empty()) {
      tables.postmaster_problem = refused ? *refused : nobody_at(tables.postmaster);
      if (!tables.postmaster_problem.empty()) return tell_postmaster();
    }
    const auto why = nobody_at("postmaster");
    if (why.empty()) return;
    const auto alias = tables.aliases.find("postmaster");
    if (alias == tables.aliases.end()) {
      tables.postmaster_problem = "nobody reads mail for postmaster: " + why;
      return tell_postmaster();
    }
    auto& entry = alias->second;
    if (!entry.problem.empty()) return;  // it has been told
    entry.problem = "nobody reads this mail: " + why;
    out.problems.push_back(fmt::format("{}:{}: postmaster: {}", entry.file, entry.line, entry.problem));
  }
  void tell_postmaster() {
    auto& problem = out.tables.postmaster_problem;
    problem = "postmaster_address: " + problem;
    out.problems.push_back(problem);
  }

  const config::Settings& settings_;
  const Powers& powers_;
  Passwd& passwd_;
  const std::vector<std::string> had_;
};

}  // namespace

Result<Compiled> compile(const config::Settings& settings, const Powers& powers, Passwd& passwd,
                         const std::vector<std::string>& had) {
  Compiler compiler(settings, powers, passwd, had);
  compiler.run();
  if (!compiler.fatal.empty()) return fail(Kind::permanent, compiler.fatal);
  return std::move(compiler.out);
}

Compiled compile_what_is_there(const config::Settings& settings, const Powers& powers, Passwd& passwd) {
  Compiler compiler(settings, powers, passwd, {});
  compiler.run();
  for (const auto line : split(compiler.fatal, '\n')) {
    if (!line.empty()) compiler.out.problems.emplace_back(line);
  }
  return std::move(compiler.out);
}

std::vector<std::string> source_files(const config::Settings& settings) {
  std::vector<std::string> files = settings.aliases;
  if (!settings.users.empty()) files.push_back(settings.users);
  if (!settings.virtual_alias_maps.file.empty()) files.push_back(settings.virtual_alias_maps.file);
  return files;
}

}  // namespace facteur::auth
