#include "master/folders.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fs/files.h"
#include "common/process/mail_place.h"
#include "master/users.h"

namespace facteur::master {
namespace {

struct Folder {
  std::string path;
  mode_t mode = 0755;
  User owner;
};

Result<> make(const Folder& folder, bool real_root) {
  struct stat status{};
  const bool there = ::lstat(folder.path.c_str(), &status) == 0;
  if (there && !S_ISDIR(status.st_mode)) return fail(Kind::permanent, folder.path + " is not a folder");
  if (there) return {};
  if (auto made = fs::make_directories(folder.path, 0755); !made) return made;
  if (real_root && ::chown(folder.path.c_str(), folder.owner.uid, folder.owner.gid) < 0) {
    return fail_errno("chown " + folder.path, errno);
  }
  if (::chmod(folder.path.c_str(), folder.mode) < 0) return fail_errno("chmod " + folder.path, errno);
  return {};
}

/// The file that queued locks: in a folder where it may make none.
Result<> make_lock_file(const std::string& path, const User& owner, bool real_root) {
  const auto file = fs::system_files().open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return fail(file);
  if (real_root && ::fchown(file->get(), owner.uid, owner.gid) < 0) return fail_errno("chown " + path, errno);
  return {};
}

}  // namespace

Result<> make_folders(const config::Settings& settings, bool real_root) {
  User queue;
  User mail;
  if (real_root) {
    auto found = find_user(settings.queue_user);
    if (!found) return fail(found);
    queue = *found;
    auto uid = find_user(settings.mail_uid);
    auto gid = find_user(settings.mail_gid);
    if (!uid) return fail(uid);
    if (!gid) return fail(gid);
    mail = {uid->uid, gid->gid};
  }
  const std::string& spool = settings.queue_directory;
  const Folder folders[] = {
      {settings.run_directory, 0755, {}},       {settings.run_directory + "/empty", 0755, {}},
      {settings.state_directory, 0755, {}},     {spool, 0755, {}},
      {spool + "/queue", 0700, queue},          {spool + "/hold", 0700, queue},
      {spool + "/corrupt", 0700, queue},        {spool + "/maildrop", 01733, {}},
      {settings.virtual_mail_root, 0711, mail}, {process::index_root(settings), 0711, mail},
  };
  for (const auto& folder : folders) {
    if (folder.path.empty()) continue;  // each index lies in a home
    if (auto made = make(folder, real_root); !made) return made;
  }
  return make_lock_file(spool + "/lock", queue, real_root);
}

}  // namespace facteur::master
