// Expanding mail_location and index_location. Text only: no file is looked at.
#include "common/process/mail_place.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace facteur::process {
namespace {

constexpr std::size_t max_path = 1024;

/// A path that names one place, whatever lies there.
bool is_plain(std::string_view path) {
  if (!path.starts_with('/') || path == "/" || path.size() > max_path || std::ranges::any_of(path, is_control)) {
    return false;
  }
  const auto parts = split(path, '/');
  return std::ranges::none_of(parts, [](auto part) { return part == ".." || part == "."; });
}

std::string without_slashes_behind(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

std::string expand_path(std::string_view path, const auth::Account& account) {
  const std::string_view name = account.name;
  const auto at = std::min(name.rfind('@'), name.size());
  std::string out;
  if (path == "~" || path.starts_with("~/")) {
    out = account.home;
    path.remove_prefix(1);
  }
  while (!path.empty()) {
    const auto percent = path.find('%');
    out += path.substr(0, percent);
    if (percent == std::string_view::npos || percent + 1 >= path.size()) break;
    switch (path[percent + 1]) {
      case 'u': out += account.system_user.empty() ? account.name : account.system_user; break;
      case 'n': out += name.substr(0, at); break;
      case 'd': out += name.substr(std::min(at + 1, name.size())); break;
      case 'h': out += account.home; break;
      default: out += '%';
    }
    path.remove_prefix(percent + 2);
  }
  return without_slashes_behind(std::move(out));
}

std::string expand_mail(std::string_view location, const auth::Account& account) {
  const auto colon = location.find(':');
  if (colon == std::string_view::npos) return std::string(location);
  return std::string(location.substr(0, colon + 1)) + expand_path(location.substr(colon + 1), account);
}

Result<MailPlace> mail_place(const auth::Account& account) {
  const auto colon = account.mail.find(':');
  const auto kind = account.mail.substr(0, colon);
  auto path = without_slashes_behind(colon == std::string::npos ? "" : account.mail.substr(colon + 1));
  if ((kind != "maildir" && kind != "mbox") || !is_plain(path)) {
    return fail(Kind::permanent, "mail location " + printable(account.mail) + " of " + printable(account.name) +
                                     ": neither maildir: nor mbox: with an absolute path");
  }
  return MailPlace{kind == "mbox" ? MailPlace::Kind::mbox : MailPlace::Kind::maildir, std::move(path)};
}

std::string index_root(const config::Settings& settings) {
  const auto fixed = settings.index_location.substr(0, settings.index_location.find('%'));
  return fixed.starts_with('/') ? parent_of(fixed) : "";
}

IndexPlace index_place(const auth::Account& account, const config::Settings& settings) {
  if (settings.index_location.empty()) return {};
  return {expand_path(settings.index_location, account), index_root(settings)};
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

}  // namespace facteur::process
