// Expanding and opening mail locations.
#include "common/store/location.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>

#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/store/maildir/account.h"
#include "common/store/maildir/delivery.h"
#include "common/store/mbox/account.h"
#include "common/store/remove_tree.h"

namespace facteur::store {
namespace {

constexpr std::size_t max_path = 1024;
constexpr std::string_view state_folder = ".facteur";
constexpr const char* index_folder = "index";

/// True for text that can be one component of a path, or a part of one.
bool good_part(std::string_view part) {
  return !part.empty() && part.size() <= 255 && part.front() != '.' && part.find('/') == std::string_view::npos &&
         std::ranges::none_of(part, is_control);
}

bool good_path(std::string_view path) {
  if (!path.starts_with('/') || path.size() > max_path || std::ranges::any_of(path, is_control)) return false;
  const auto parts = split(path, '/');
  return std::ranges::none_of(parts, [](auto part) { return part == ".." || part == "."; });
}

/// What a placeholder stands for; nothing if there is no such placeholder, or the user cannot fill it.
std::optional<std::string_view> value_of(char placeholder, std::string_view user, std::string_view home) {
  const auto at = user.rfind('@');
  std::string_view value;
  switch (placeholder) {
    case 'u': value = user; break;
    case 'n': value = user.substr(0, at); break;
    case 'd': value = at == std::string_view::npos ? std::string_view() : user.substr(at + 1); break;
    case 'h': return good_path(home) ? std::optional(home) : std::nullopt;
    default: return std::nullopt;
  }
  return good_part(value) ? std::optional(value) : std::nullopt;
}

std::optional<std::string> expand(std::string_view text, std::string_view user, std::string_view home) {
  std::string out;
  if (text == "~" || text.starts_with("~/")) {
    if (!good_path(home)) return std::nullopt;
    out = home;
    text.remove_prefix(1);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    const auto value = text[i] == '%' ? "%" : value_of(text[i], user, home);
    if (!value) return std::nullopt;
    out += *value;
  }
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

}  // namespace

Result<Location> expand_location(std::string_view setting, std::string_view user, std::string_view home) {
  const auto refuse = [&](std::string_view why) {
    return fail(Kind::permanent,
                "mail location " + printable(setting, 128) + " of " + printable(user, 64) + ": " + std::string(why));
  };
  const auto colon = setting.find(':');
  const auto format = setting.substr(0, colon);
  if (colon == std::string_view::npos || (format != "maildir" && format != "mbox")) {
    return refuse("is neither maildir:PATH nor mbox:PATH");
  }
  if (!good_part(user)) return refuse("the name cannot be part of a path");
  auto path = expand(setting.substr(colon + 1), user, home);
  if (!path) return refuse("has a placeholder that this user cannot fill");
  if (!good_path(*path) || *path == "/") return refuse("is no absolute path");
  Location out{.format = format == "mbox" ? Location::Format::mbox : Location::Format::maildir,
               .path = *std::move(path),
               .state = {}};
  if (out.format == Location::Format::maildir) {
    out.state = out.path + '/' + std::string(state_folder);
    return out;
  }
  // Beside the system's mail folder nobody but root may write: an mbox keeps its state in the home.
  // By its whole path there: accounts that share a home share no state.
  const auto root = good_path(home) ? std::string(home) : out.path.substr(0, out.path.rfind('/'));
  out.state = root + '/' + std::string(state_folder) + "/mbox" + out.path;
  return out;
}

Result<std::unique_ptr<Account>> open_account(const Location& location, const OpenOptions& options) {
  const auto index = options.index ? open_index(location.state + '/' + index_folder) : nullptr;
  if (location.format == Location::Format::mbox) {
    return MboxAccount::open_file(location.path, location.state,
                                  {.files = options.files, .lock = options.mbox_lock, .index = index});
  }
  return MaildirAccount::open_root(location.path, {.host = options.host, .files = options.files, .index = index});
}

void discard_index(const Location& location, fs::Files& files) {
  const auto state = files.open(AT_FDCWD, location.state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!state) return;  // then there is no index
  if (const auto removed = remove_tree(state->get(), index_folder, files);
      !removed && removed.error().errno_value != ENOENT) {
    log::warning("{}", removed.error().text);
  }
}

Result<std::unique_ptr<MailboxDelivery>> open_delivery(const Location& location, const OpenOptions& options) {
  if (location.format == Location::Format::mbox) {
    return std::make_unique<MboxDelivery>(location.path, options.mbox_lock, *options.files);
  }
  return MaildirDelivery::open(location.path, options.host, *options.files);
}

Result<SessionLock> lock_session(const Location& location, fs::Files& files) {
  const bool is_maildir = location.format == Location::Format::maildir;
  const auto& folder = is_maildir ? location.path : location.state;
  if (auto made = fs::make_directories(folder, 0700); !made) return fail(made);
  return SessionLock::take(folder, files);
}

}  // namespace facteur::store
