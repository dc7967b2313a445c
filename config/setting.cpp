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

/// Insertions, deletions, replacements and exchanges of neighbours that make `a` into `b` (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above.back();
}

/// What may be wrong with a name of which another one is meant.
std::size_t most_slips(std::string_view name) {
  constexpr std::size_t most = 4;
  return std::clamp<std::size_t>(name.size() / 3, 1, most);
}

bool has_word_like(std::string_view known, std::string_view word) {
  for (std::size_t at = 0; at < known.size();) {
    const auto end = std::min(known.find_first_of("._", at), known.size());
    if (distance(known.substr(at, end - at), word) <= most_slips(word)) return true;
    at = end + 1;
  }
  return false;
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
  std::size_t least = most_slips(name) + 1;
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

std::vector<std::string_view> related_names(std::string_view name) {
  std::vector<std::string_view> out;
  if (name.empty() || name.size() > longest_name) return out;
  for (const auto& [known, setting] : by_name()) {
    if (known.contains(name) || has_word_like(known, name)) out.push_back(known);
  }
  return out;
}

}  // namespace facteur::config
