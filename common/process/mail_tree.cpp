// Making the mail of an account.

#include "common/process/mail_tree.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <optional>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "common/fs/parent.h"
#include "common/process/acting_as.h"

namespace facteur::process {

namespace {

constexpr mode_t passage_mode = 0711;  // of folders between virtual_mail_root and an account's own
constexpr mode_t own_mode = 0700;
constexpr int passing = O_DIRECTORY | O_NOFOLLOW | O_PATH;  // wants no right to list a folder

bool is_virtual(const auth::Account& account) {
  return account.system_user.empty();
}

/// The folder that belongs to a virtual account alone: its home if the mail lies there, else the mail's own.
std::string own_folder(const auth::Account& account, const MailPlace& place) {
  if (place.path.starts_with(account.home + "/")) return account.home;
  return place.kind == MailPlace::Kind::maildir ? place.path : parent_of(place.path);
}

struct Owner {
  uid_t uid;
  gid_t gid;
};

bool belongs_to(int folder, uid_t uid) {
  struct stat status{};
  return ::fstat(folder, &status) == 0 && status.st_uid == uid;
}

/// The folder `name` of `parent`, made if it is missing. Never through a link, and what was there keeps its owner.
Result<Fd> enter(int parent, const std::string& name, mode_t mode, std::optional<Owner> owner) {
  auto& files = fs::system_files();
  auto there = files.open(parent, name, passing);
  if (there || there.error().errno_value != ENOENT) return there;
  const auto made = files.make_directory(parent, name, own_mode);
  // Another session of a new account was first.
  if (!made && made.error().errno_value == EEXIST) return files.open(parent, name, passing);
  if (!made) return fail(made);
  const auto fresh = files.open(parent, name, O_DIRECTORY | O_NOFOLLOW | O_RDONLY);
  if (!fresh) return fail(fresh);
  // The owner of `parent` may have put another one in its place, to have it given away.
  if (!belongs_to(fresh->get(), ::geteuid()))
    return fail(Kind::temporary, "folder " + printable(name) + " was replaced");
  if (owner && ::fchown(fresh->get(), owner->uid, owner->gid) < 0) return fail_errno("chown " + name, errno);
  if (::fchmod(fresh->get(), mode) < 0) return fail_errno("chmod " + name, errno);
  return files.open(parent, name, passing);
}

/// Makes the account's own folder, step by step from virtual_mail_root or the root of indexes. What lies between
/// belongs to whom the root belongs, so that workers of that user can make room for further accounts.
Result<> make_own_folder(const std::string& own, const auth::Account& account, const std::string& root,
                         bool real_root) {
  if (!own.starts_with(root + "/")) return fail(Kind::permanent, printable(own) + " is not below " + root);
  auto folder = fs::system_files().open(AT_FDCWD, root, passing);
  if (!folder) return fail(folder);
  struct stat status{};
  if (::fstat(folder->get(), &status) < 0) return fail_errno("stat " + root, errno);
  const auto parts = split(std::string_view(own).substr(root.size() + 1), '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string name(parts[i]);
    if (name.empty() || name == "." || name == "..") return fail(Kind::permanent, "bad folder " + printable(own));
    const bool last = i + 1 == parts.size();
    const Owner owner = last ? Owner{account.uid, account.gid} : Owner{status.st_uid, status.st_gid};
    auto next =
        enter(folder->get(), name, last ? own_mode : passage_mode, real_root ? std::optional(owner) : std::nullopt);
    if (!next) return fail(next);
    folder = std::move(next);
  }
  return {};
}

/// What we keep beside an mbox lies here: the index, UIDs, locks of sessions.
std::string state_folder(const auth::Account& account) {
  return account.home + "/.facteur";
}

/// The folders of a Maildir, durable: behind the jail its parent may be out of reach.
Result<> make_maildir(const std::string& path) {
  auto& files = fs::system_files();
  if (auto made = fs::make_directories(path, own_mode); !made) return made;
  const auto root = files.open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!root) return fail(root);
  bool fresh = false;
  for (const auto* name : {"tmp", "new", "cur"}) {
    const auto made = files.make_directory(root->get(), name, own_mode);
    if (!made && made.error().errno_value != EEXIST) return made;
    fresh |= made.has_value();
  }
  if (!fresh) return {};
  if (auto synced = files.sync(root->get()); !synced) return synced;
  return fs::sync_parent(root->get());
}

/// The folder of the Maildir, or the mbox and its folder, with the rights of whom we act as.
Result<> make_place(const MailPlace& place, const auth::Account& account) {
  if (place.kind == MailPlace::Kind::maildir) return make_maildir(place.path);
  // Whether it succeeds shows when it is needed; mail can be delivered without.
  if (!account.home.empty()) (void)fs::make_directories(state_folder(account), own_mode);
  auto& files = fs::system_files();
  constexpr int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
  auto file = files.open(AT_FDCWD, place.path, flags, 0600);
  if (!file && file.error().errno_value == ENOENT) {
    if (auto made = fs::make_directories(parent_of(place.path), own_mode); !made) return made;
    file = files.open(AT_FDCWD, place.path, flags, 0600);
  }
  if (!file) return fail(file);
  const auto status = files.status(file->get());
  if (status && status->st_size > 0) return {};
  return fs::sync_folder(AT_FDCWD, parent_of(place.path), file->get());  // a new file's name has to last
}

/// A folder reached through no link at all.
Result<Fd> open_without_links(const std::string& path) {
  open_how how{};
  how.flags = O_DIRECTORY | O_RDONLY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  Fd folder(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (!folder) return fail_errno("open " + printable(path), errno);
  return folder;
}

/// An mbox in the system's mail folder, where users may make no files: made by root, for the user. The folder must be
/// root's and be reached through no link, and no name in it is followed.
Result<> make_in_system_folder(const MailPlace& place, const auth::Account& account) {
  auto& files = fs::system_files();
  const auto parent = parent_of(place.path);
  const auto folder = open_without_links(parent);
  if (!folder) return fail(folder);
  const auto status = files.status(folder->get());
  if (!status) return fail(status);
  if (status->st_uid != 0 || (status->st_mode & S_IWOTH) != 0) {
    return fail(Kind::temporary, printable(parent) + " is not a mail folder of the system");
  }
  const auto file =
      files.open(folder->get(), place.path.substr(parent.size() + 1), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!file) return file.error().errno_value == EEXIST ? Result<>() : fail(file);
  if (::fchown(file->get(), account.uid, account.gid) < 0) return fail_errno("chown " + place.path, errno);
  return files.sync(folder->get());  // the user cannot
}

/// False where a part of the path is the user's own to turn into a link.
bool is_system_path(const auth::Account& account, const MailPlace& place) {
  return account.home.empty() || !place.path.starts_with(account.home + "/");
}

/// The folder of the index, if it does not lie beside the mail. Where it cannot be made, mail is served without an
/// index, as whoever opens that will log.
void make_index(const auth::Account& account, const config::Settings& settings, bool real_root) {
  const auto [path, root] = index_place(account, settings);
  if (path.empty()) return;
  if (!root.empty()) {
    (void)make_own_folder(path, account, root, real_root);
  } else if (real_root) {
    const ActingAs user(account.uid, account.gid);
    (void)fs::make_directories(path, own_mode);
  } else {
    (void)fs::make_directories(path, own_mode);
  }
}

}  // namespace

Result<> make_mail(const auth::Account& account, const config::Settings& settings, bool real_root) {
  const auto place = mail_place(account);
  if (!place) return fail(place);
  if (is_virtual(account)) {
    const auto made = make_own_folder(own_folder(account, *place), account, settings.virtual_mail_root, real_root);
    if (!made) return made;
  }
  make_index(account, settings, real_root);
  if (!real_root) return make_place(*place, account);
  Result<> made;
  {
    const ActingAs user(account.uid, account.gid);
    made = make_place(*place, account);
  }
  const bool refused = !made && (made.error().errno_value == EACCES || made.error().errno_value == EPERM);
  if (refused && place->kind == MailPlace::Kind::mbox && is_system_path(account, *place)) {
    return make_in_system_folder(*place, account);
  }
  return made;
}

bool may_lock_beside(const auth::Account& account, const MailPlace& place) {
  if (is_virtual(account)) return true;
  // A home is too much to give for a lock file, and in the system's mail folder the user may make no file anyway.
  const auto folder = parent_of(place.path);
  struct stat status{};
  return ::stat(folder.c_str(), &status) == 0 && status.st_uid == account.uid && folder != account.home;
}

std::vector<Path> mail_paths(const auth::Account& account, const config::Settings& settings) {
  std::vector<Path> out;
  const auto index = index_place(account, settings);
  // A worker of virtual accounts gets further ones later.
  const auto& open_index = is_virtual(account) && !index.root.empty() ? index.root : index.path;
  if (!open_index.empty()) out.push_back({open_index, true});
  if (is_virtual(account)) {
    out.push_back({settings.virtual_mail_root, true});
    return out;
  }
  const auto place = mail_place(account);
  if (!place) return out;
  if (place->kind == MailPlace::Kind::maildir) {
    out.push_back({place->path, true});
    return out;
  }
  // The lock file beside an mbox needs its folder.
  out.push_back({state_folder(account), true});
  out.push_back({may_lock_beside(account, *place) ? parent_of(place->path) : place->path, true});
  return out;
}

}  // namespace facteur::process
