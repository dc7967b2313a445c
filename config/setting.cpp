#include "config/setting.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "config/checks.h"
#include "config/sections.h"

namespace facteur::config {

namespace {

std::string as_mbox_folder(std::string_view folder) {
  return "mbox:" + std::string(folder) + "/%u";
}

/// home_mailbox: a Maildir if it ends in '/', else an mbox (local(8)).
std::string as_home_mailbox(std::string_view path) {
  return (path.ends_with('/') ? "maildir:~/" : "mbox:~/") + std::string(path);
}

/// ssl_cert: Dovecot reads the file that is named behind '<'.
std::string as_path(std::string_view value) {
  return std::string(value.substr(value.starts_with('<') ? 1 : 0));
}

constexpr Synonym other_names[] = {
    {"myhostname", "hostname"},
    {"mydestination", "domains"},
    {"alias_maps", "aliases"},
    {"alias_database", "aliases"},
    {"mail_spool_directory", "mail_location", as_mbox_folder},
    {"home_mailbox", "mail_location", as_home_mailbox},
    {"virtual_mailbox_base", "virtual_mail_root"},
    {"smtpd_tls_cert_file", "tls.certificate"},
    {"smtpd_tls_key_file", "tls.key"},
    {"ssl_cert", "tls.certificate", as_path},
    {"ssl_key", "tls.key", as_path},
    {"maillog_file", "log"},
    {"mail_owner", "queue_user"},
};

const std::map<std::string_view, const Setting*>& by_name() {
  static const auto index = [] {
    std::map<std::string_view, const Setting*> out;
    for (const auto& section : sections()) {
      for (const auto& setting : section.settings) out.emplace(setting.name, &setting);
    }
    return out;
  }();
  return index;
}

/// Levenshtein's distance: insertions, deletions and replacements that make `a` into `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

constexpr std::size_t longest_name = 64;

}  // namespace

std::span<const Section> sections() {
  static const Section all[] = {
      {"Who we are", identity_settings()},
      {"Where we listen", listen_settings()},
      {"Relaying", relay_settings()},
      {"TLS", tls_settings()},
      {"Accounts and passwords", auth_settings()},
      {"SMTP server", smtpd_settings()},
      {"Queue", queue_settings()},
      {"SMTP client", smtp_settings()},
      {"Mailboxes", mailbox_settings()},
      {"POP3 and IMAP", access_settings()},
      {"Processes and files", process_settings()},
  };
  return all;
}

std::span<const Synonym> synonyms() {
  return other_names;
}

const Setting* find_setting(std::string_view name) {
  const auto found = by_name().find(name);
  return found == by_name().end() ? nullptr : found->second;
}

bool is_group(std::string_view name) {
  const auto next = by_name().lower_bound(std::string(name) + ".");
  return next != by_name().end() && next->first.starts_with(name) && next->first.substr(name.size()).starts_with('.');
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> others) {
  if (name.size() > longest_name) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  const auto consider = [&](std::string_view known) {
    const auto far = distance(name, known);
    if (far < least) {
      least = far;
      best = known;
    }
  };
  for (const auto other : others) consider(other);
  for (const auto& [known, setting] : by_name()) consider(known);
  for (const auto& synonym : other_names) consider(synonym.name);
  return best;
}

}  // namespace facteur::config
