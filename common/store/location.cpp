// Opening mail locations.
#include "common/store/location.h"

#include <cerrno>
#include <fcntl.h>

#include "common/log/log.h"
#include "common/store/maildir/account.h"
#include "common/store/maildir/delivery.h"
#include "common/store/mbox/account.h"
#include "common/store/remove_tree.h"

namespace facteur::store {
namespace {

constexpr std::string_view state_folder = "/.facteur";

}  // namespace

Location location_of(Location::Format format, std::string path, const std::string& home, std::string index) {
  Location out{.format = format, .path = std::move(path), .state = {}, .index = std::move(index)};
  if (format == Location::Format::maildir) {
    out.state = out.path + std::string(state_folder);
  } else {
    // Beside the system's mail folder nobody but root may write: an mbox keeps its state in the home.
    // By its whole path there: accounts that share a home share no state.
    const auto root = home.empty() ? out.path.substr(0, out.path.rfind('/')) : home;
    out.state = root + std::string(state_folder) + "/mbox" + out.path;
  }
  if (out.index.empty()) out.index = out.state + "/index";
  return out;
}

Result<std::unique_ptr<Account>> open_account(const Location& location, const OpenOptions& options) {
  const auto index = options.index ? open_index(location.index) : nullptr;
  if (location.format == Location::Format::mbox) {
    return MboxAccount::open_file(location.path, location.state,
                                  {.files = options.files, .lock = options.mbox_lock, .index = index});
  }
  return MaildirAccount::open_root(location.path, {.host = options.host, .files = options.files, .index = index});
}

void discard_index(const Location& location, fs::Files& files) {
  const auto slash = location.index.rfind('/');
  const auto parent = files.open(AT_FDCWD, location.index.substr(0, slash), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!parent) return;  // then there is no index
  if (const auto removed = remove_tree(parent->get(), location.index.substr(slash + 1), files);
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
