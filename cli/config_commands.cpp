// facteur config check, show and describe.
#include <cstdio>
#include <sysexits.h>
#include <unistd.h>

#include "auth/passwd.h"
#include "auth/sources.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "common/process/jail.h"
#include "common/tls/context.h"
#include "config/describe.h"
#include "config/load.h"

namespace facteur::cli {
namespace {

using config::Settings;

/// The settings that name users who must exist.
constexpr std::pair<const char*, std::string Settings::*> user_settings[] = {
    {"facteur_user", &Settings::facteur_user}, {"login_user", &Settings::login_user},
    {"auth_user", &Settings::auth_user},       {"queue_user", &Settings::queue_user},
    {"out_user", &Settings::out_user},         {"mail_uid", &Settings::mail_uid},
};

void check_users(const Settings& settings, std::vector<std::string>& problems) {
  auth::Passwd passwd;
  for (const auto& [name, member] : user_settings) {
    const auto user = auth::user_or_uid(passwd, settings.*member);
    if (user && user->has_value()) continue;
    problems.push_back(std::string(name) + ": there is no system user " + settings.*member +
                       (user ? std::string() : " (" + user.error().text + ")"));
  }
}

void check_keys(const Settings& settings, std::vector<std::string>& problems) {
  if (settings.tls_certificate.empty()) return;
  const auto keys = tls::Context::server(settings.tls_certificate, settings.tls_key);
  if (!keys) problems.push_back(keys.error().text);
}

void check_tables(const Settings& settings, std::vector<std::string>& problems) {
  auth::Passwd passwd;
  const auth::Powers powers{process::is_real_root() || ::geteuid() != 0, ::geteuid(), ::getegid()};
  const auto compiled = auth::compile(settings, powers, passwd);
  if (!compiled) return problems.push_back(compiled.error().text);
  problems.insert(problems.end(), compiled->problems.begin(), compiled->problems.end());
}

}  // namespace

int config_check(const std::string& config_file) {
  return with_settings(config_file, [&](const Settings& settings) {
    std::vector<std::string> problems;
    if (process::is_real_root()) check_users(settings, problems);
    check_keys(settings, problems);
    check_tables(settings, problems);
    for (const auto& problem : problems) std::fprintf(stderr, "facteur: %s\n", problem.c_str());
    if (!problems.empty()) return EX_CONFIG;
    std::printf("%s: no problem found\n", config::settings_path(config_file).c_str());
    return EX_OK;
  });
}

int config_show(const std::string& config_file, bool all) {
  const auto loaded = config::load_files({config::settings_path(config_file)}, {});
  if (!loaded) return complain(EX_CONFIG, loaded.error().text);
  std::fputs(config::show(*loaded, all ? config::Which::all : config::Which::written).c_str(), stdout);
  return EX_OK;
}

int config_describe(const std::vector<std::string>& names) {
  if (names.empty()) {
    std::fputs(config::sample().c_str(), stdout);
    return EX_OK;
  }
  int code = EX_OK;
  for (const auto& name : names) {
    const auto described = config::describe(name);
    if (described) {
      std::fputs(described->c_str(), stdout);
    } else {
      code = complain(EX_USAGE, described.error().text);
    }
  }
  return code;
}

}  // namespace facteur::cli
