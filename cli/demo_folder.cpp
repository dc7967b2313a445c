#include "cli/demo_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <grp.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/check.h"
#include "auth/passwd.h"
#include "auth/password.h"
#include "auth/sources.h"
#include "auth/users_edit.h"
#include "cli/demo_ports.h"
#include "common/base/encode.h"
#include "common/base/fd.h"
#include "common/base/random.h"
#include "common/fs/files.h"
#include "common/process/jail.h"
#include "common/process/mail_tree.h"
#include "common/tls/context.h"
#include "config/describe.h"
#include "config/load.h"
#include "config/yaml.h"

namespace facteur::cli {
namespace {

using nlohmann::json;

constexpr std::string_view default_domain = "example.test";
constexpr unsigned first_demo_uid = 61000;
constexpr unsigned demo_uids = 6;  ///< smtpd, login, authd, queued, remote, mail

/// What a second start must find again. Passwords are here in the clear, for the demo prints them.
struct Memory {
  unsigned uid_base = 0;
  std::string domain;  ///< in which they are
  std::map<std::string, std::string> passwords;
};

std::string memory_file(const std::string& folder) {
  return folder + "/demo.json";
}

std::optional<Memory> remember(const std::string& folder) {
  const auto text = fs::read_file(memory_file(folder));
  const auto data = text ? json::parse(*text, nullptr, false) : json();
  if (!data.is_object() || !data.contains("uid_base") || !data.contains("passwords")) return std::nullopt;
  Memory out;
  out.uid_base = data["uid_base"].get<unsigned>();
  out.domain = data.value("domain", std::string(default_domain));
  for (const auto& [login, password] : data["passwords"].items()) out.passwords[login] = password.get<std::string>();
  return out;
}

Result<> memorize(const std::string& folder, const Memory& memory) {
  const json data{{"uid_base", memory.uid_base}, {"domain", memory.domain}, {"passwords", memory.passwords}};
  return fs::replace_file(memory_file(folder), data.dump(2) + "\n", 0600);
}

/// The first of a row of numbers that no account and no group has.
unsigned free_uids() {
  for (unsigned base = first_demo_uid;; base += demo_uids) {
    bool free = true;
    for (unsigned uid = base; uid < base + demo_uids; ++uid) {
      free = free && ::getpwuid(uid) == nullptr && ::getgrgid(uid) == nullptr;
    }
    if (free) return base;
  }
}

std::string new_password() {
  return hex_encode(random_octets(8));
}

/// Adds the accounts that are asked for and not there yet, in the domain that is served.
Result<> add_accounts(const DemoOptions& options, const std::string& folder, const std::string& domain,
                      Memory& memory) {
  std::vector<std::string> logins{"alice", "bob"};
  for (unsigned i = 1; i <= options.users; ++i) logins.push_back("u" + std::to_string(i));
  std::vector<auth::NewUser> fresh;
  std::string last_password;
  std::string last_hash;
  for (const auto& login : logins) {
    const auto known = memory.passwords.find(login);
    if (known != memory.passwords.end() && domain == memory.domain) continue;
    const std::string password = known != memory.passwords.end() ? known->second
                                 : options.password.empty()      ? new_password()
                                                                 : options.password;
    if (password != last_password) {  // a hash is slow to make, by design
      auto hash = auth::hash_password(password);
      if (!hash) return fail(hash);
      last_password = password;
      last_hash = *hash;
    }
    memory.passwords[login] = password;
    fresh.push_back({login + "@" + domain, last_hash, {}});
  }
  if (!memory.domain.empty() && domain != memory.domain) {
    // Nobody has mail in a domain that is served no longer. Who is not there was deleted by hand.
    for (const auto& [login, password] : memory.passwords) {
      (void)auth::delete_user(folder + "/users.yaml", login + "@" + memory.domain);
    }
  }
  memory.domain = domain;
  if (fresh.empty()) return {};
  auth::FileOwner owner;
  if (process::is_real_root()) owner = {0, memory.uid_base + 2};
  return auth::add_users(folder + "/users.yaml", fresh, owner);
}

Result<> make_certificate(const std::string& folder, const std::string& host) {
  const std::string certificate = folder + "/tls/cert.pem";
  if (std::filesystem::exists(certificate)) return {};
  if (auto made = fs::make_directories(folder + "/tls", 0755); !made) return made;
  auto pair = tls::make_self_signed(host);
  if (!pair) return fail(pair);
  if (auto written = fs::replace_file(folder + "/tls/key.pem", pair->key, 0600); !written) return written;
  return fs::replace_file(certificate, pair->certificate, 0644);
}

/// The demo's own settings, before --config and --set.
std::string own_settings(const std::string& folder, const Memory& memory,
                         const std::map<std::string_view, std::uint16_t>& ports) {
  std::string out =
      "hostname: mail." + std::string(default_domain) + "\ndomains: [" + std::string(default_domain) + "]\n";
  out += "inet_interfaces: [loopback-only]\nmynetworks: []\nsystem_users: false\n";
  for (const auto& [name, port] : ports) out += "ports." + std::string(name) + ": " + std::to_string(port) + "\n";
  const auto in_folder = [&](const std::string& name) { return config::yaml_scalar(folder + name); };
  out += "tls: {certificate: " + in_folder("/tls/cert.pem") + ", key: " + in_folder("/tls/key.pem") + "}\n";
  out += "allow_plaintext_from: [127.0.0.0/8, \"::1/128\"]\n";
  // Everybody who tries it comes from one address.
  out += "smtpd_client_connection_count_limit: 0\nmail_max_userip_connections: 0\n";
  out += "users: " + in_folder("/users.yaml") + "\naliases: [" + in_folder("/aliases") + "]\n";
  out += "log: " + in_folder("/log") + "\nvirtual_mail_root: " + in_folder("/mail") + "\n";
  out += "queue_directory: " + in_folder("/spool") + "\nstate_directory: " + in_folder("/state") + "\n";
  out += "run_directory: " + in_folder("/run") + "\n";
  if (!process::is_real_root()) return out;
  const char* users[] = {"facteur_user", "login_user", "auth_user", "queue_user", "out_user", "mail_uid"};
  unsigned uid = memory.uid_base;
  for (const char* user : users) out += std::string(user) + ": \"" + std::to_string(uid++) + "\"\n";
  return out + "mail_gid: \"" + std::to_string(memory.uid_base + demo_uids - 1) + "\"\n";
}

/// Ports of the demo's own choice that --config and --set left as they are.
std::set<std::uint16_t> ports_in_use(const std::map<std::string_view, std::uint16_t>& chosen,
                                     const config::Settings& settings) {
  std::set<std::uint16_t> out;
  for (const auto& port : demo_ports) {
    if (chosen.at(port.name) == settings.*port.member) out.insert(settings.*port.member);
  }
  return out;
}

Result<> write_settings(DemoFolder& folder, const DemoOptions& options, const Memory& memory) {
  auto ports = choose_ports(options.port_base);
  if (!ports) return fail(ports);
  const std::string own = folder.path + "/demo.yaml";
  const auto own_text = own_settings(folder.path, memory, *ports);
  if (auto written = fs::replace_file(own, own_text, 0644); !written) return fail(written);
  std::vector<std::string> files{own};
  if (!options.config_file.empty()) files.push_back(options.config_file);
  std::vector<config::Override> overrides;
  for (const auto& text : options.settings) {
    auto override = config::Override::parse(text);
    if (!override) return fail(override);
    overrides.push_back(std::move(*override));
  }
  auto loaded = config::load_files(files, overrides);
  if (!loaded) return fail(loaded);
  if (loaded->settings.dns_servers.empty() && loaded->settings.relayhost.empty()) {
    // Nothing leaves the machine unless the caller says how.
    overrides.push_back({"disable_dns_lookups", "true"});
    loaded = config::load_files(files, overrides);
    if (!loaded) return fail(loaded);
  }
  const std::string text = config::show(*loaded, config::Which::written);
  if (auto written = fs::replace_file(folder.config_file(), text, 0644); !written) return fail(written);
  folder.settings = std::move(loaded->settings);
  folder.chosen_ports.clear();
  if (!options.port_base) folder.chosen_ports = ports_in_use(*ports, folder.settings);
  return {};
}

/// What another uid made would be spoiled for it: its files would become ours, and its processes could not read them.
Result<> check_maker(const std::string& folder) {
  for (const char* name : {"/demo.json", "/demo.yaml"}) {
    struct stat status{};
    if (::lstat((folder + name).c_str(), &status) < 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      return fail_errno("look at " + folder + name, errno);
    }
    if (status.st_uid == ::geteuid()) return {};
    const auto maker = std::to_string(status.st_uid);
    return fail(Kind::permanent, folder + " was made under uid " + maker + ", and this is uid " +
                                     std::to_string(::geteuid()) + ": start it under uid " + maker +
                                     " again, or name another --dir");
  }
  return {};
}

std::string path_of(const DemoOptions& options) {
  auto path = std::filesystem::absolute(options.folder).lexically_normal().string();
  if (path.ends_with('/')) path.pop_back();
  return path;
}

Result<DemoFolder> make_or_find(const DemoOptions& options) {
  DemoFolder out;
  out.temporary = options.folder.empty();
  if (out.temporary) {
    std::error_code ignored;
    const auto parent = std::filesystem::temp_directory_path(ignored);  // TMPDIR, or else /tmp
    out.path = (parent / "facteur-demo-XXXXXX").string();
    if (::mkdtemp(out.path.data()) == nullptr) return fail_errno("make a folder in " + parent.string(), errno);
  } else {
    out.path = path_of(options);
    if (auto ours = check_maker(out.path); !ours) return fail(ours);
    if (auto made = fs::make_directories(out.path, 0755); !made) return fail(made);
  }
  // The processes of other uids go through it, to what is theirs.
  if (::chmod(out.path.c_str(), 0755) < 0) return fail_errno("chmod " + out.path, errno);
  return out;
}

/// Tells what `facteur config check` would say. Nothing is started with what facteurd refuses, nor when no account
/// could have its mail; the rest is told only.
Result<> check(const DemoFolder& folder) {
  const auto loaded = config::load_files({folder.config_file()}, {});
  if (!loaded) return fail(loaded);
  auth::Passwd passwd;
  const bool root = process::is_real_root();
  const auto refused = auth::refused_settings(*loaded, auth::own_powers(root), passwd);
  std::string text;
  for (const auto& problem : auth::check_settings(*loaded, auth::own_powers(root), passwd)) {
    if (problem.contains(": mail_location: ") || std::ranges::find(refused, problem) != refused.end()) {
      text += (text.empty() ? "" : "\nfacteur: ") + problem;
    } else {
      std::fprintf(stderr, "facteur: %s\n", problem.c_str());
    }
  }
  if (!text.empty()) return fail(Kind::permanent, text);
  return {};
}

/// Puts everything into the folder, or finds it there.
Result<> fill(DemoFolder& folder, const DemoOptions& options) {
  auto memory = remember(folder.path);
  if (!memory) memory = Memory{free_uids(), {}, {}};
  if (auto written = write_settings(folder, options, *memory); !written) return written;
  const auto& settings = folder.settings;
  const auto domain = settings.domains.empty() ? std::string(default_domain) : settings.domains.front();
  if (auto added = add_accounts(options, folder.path, domain, *memory); !added) return added;
  if (auto kept = memorize(folder.path, *memory); !kept) return kept;
  if (!std::filesystem::exists(folder.path + "/aliases")) {
    const auto written =
        fs::replace_file(folder.path + "/aliases", "# name: address, address\npostmaster: alice\n", 0644);
    if (!written) return written;
  }
  if (auto made = make_certificate(folder.path, settings.hostname); !made) return made;
  folder.passwords = std::move(memory->passwords);
  return check(folder);
}

}  // namespace

Result<> check_not_served(const DemoOptions& options) {
  if (options.folder.empty()) return {};
  const auto path = path_of(options);
  const auto settings = config::load(path + "/facteur.yaml");
  const auto spool = settings ? settings->queue_directory : path + "/spool";
  // facteurd holds it for as long as it lives.
  const Fd lock(::open((spool + "/master.lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!lock || ::flock(lock.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {};
  return fail(Kind::temporary, "another facteurd serves " + spool + "; stop it first, or name another --dir");
}

Result<DemoFolder> prepare_demo_folder(const DemoOptions& options) {
  auto folder = make_or_find(options);
  if (!folder) return folder;
  if (auto filled = fill(*folder, options); !filled) {
    remove_if_temporary(*folder);
    return fail(filled);
  }
  return folder;
}

Result<> choose_other_ports(DemoFolder& folder, const DemoOptions& options) {
  const auto memory = remember(folder.path);
  if (!memory) return fail(Kind::permanent, memory_file(folder.path) + " is gone");
  return write_settings(folder, options, *memory);
}

void make_mail_of_accounts(const DemoFolder& folder) {
  constexpr std::size_t most = 1000;
  const auto& settings = folder.settings;
  const bool root = process::is_real_root();
  auth::Passwd passwd;
  const auto compiled = auth::compile_what_is_there(settings, auth::own_powers(root), passwd);
  if (settings.domains.empty() || folder.passwords.size() > most) return;
  for (const auto& [login, password] : folder.passwords) {
    const auto found = compiled.accounts->find_in_file(login + "@" + settings.domains.front());
    if (!found || found->existence != auth::Existence::exists) continue;
    (void)process::make_mail(found->account, settings, root);  // what fails is told by the first delivery
  }
}

void remove_if_temporary(const DemoFolder& folder) {
  std::error_code ignored;
  if (folder.temporary) std::filesystem::remove_all(folder.path, ignored);
}

}  // namespace facteur::cli
