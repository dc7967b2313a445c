#include "auth/passwd.h"

#include <cerrno>
#include <cstdio>
#include <fmt/format.h>
#include <grp.h>
#include <memory>
#include <pwd.h>
#include <sys/stat.h>

#include "common/base/number.h"

namespace facteur::auth {

namespace {

constexpr std::size_t max_entry = 1 << 20;

/// Calls a *_r function of the name service with more and more room. `found` stays null when there is no entry.
template <class Entry, class Call>
Result<bool> ask(Entry& entry, std::string& room, const std::string& what, Call call) {
  room.resize(4096);
  for (;;) {
    Entry* found = nullptr;
    const int error = call(&entry, room.data(), room.size(), &found);
    if (error == 0) return found != nullptr;
    // "The given name was not found" has many numbers (getpwnam(3), ERRORS).
    if (error == ENOENT || error == ESRCH || error == EBADF || error == EPERM) return false;
    if (error == EINTR) continue;
    if (error != ERANGE || room.size() >= max_entry) return fail_errno(what, error);
    room.resize(room.size() * 2);
  }
}

SystemUser made(const passwd& entry) {
  return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir ? entry.pw_dir : ""};
}

}  // namespace

Result<std::optional<SystemUser>> Passwd::user(const std::string& name) {
  passwd entry{};
  std::string room;
  const auto found = ask(entry, room, "getpwnam " + name, [&](auto* out, char* data, std::size_t size, auto** result) {
    return getpwnam_r(name.c_str(), out, data, size, result);
  });
  if (!found) return fail(found);
  if (!*found) return std::nullopt;
  return made(entry);
}

Result<std::optional<std::uint32_t>> Passwd::group(const std::string& name) {
  struct group entry{};
  std::string room;
  const auto found = ask(entry, room, "getgrnam " + name, [&](auto* out, char* data, std::size_t size, auto** result) {
    return getgrnam_r(name.c_str(), out, data, size, result);
  });
  if (!found) return fail(found);
  if (!*found) return std::nullopt;
  return entry.gr_gid;
}

std::vector<SystemUser> Passwd::local_users() {
  std::vector<SystemUser> out;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/passwd", "re"), std::fclose);
  if (!file) return out;
  passwd entry{};
  std::string room(65536, '\0');
  passwd* found = nullptr;
  while (out.size() < max_local_users && fgetpwent_r(file.get(), &entry, room.data(), room.size(), &found) == 0) {
    out.push_back(made(entry));
  }
  return out;
}

std::string Passwd::stamp() {
  std::string out;
  for (const char* path : {"/etc/passwd", "/etc/shadow"}) {
    struct stat status{};
    if (stat(path, &status) != 0) continue;
    out += fmt::format("{}:{}.{}:{};", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size);
  }
  return out;
}

Result<std::optional<SystemUser>> user_or_uid(Passwd& passwd, const std::string& text) {
  const auto uid = parse_number<std::uint32_t>(text);
  if (uid) return SystemUser{"", *uid, *uid, ""};
  return passwd.user(text);
}

Result<std::optional<std::uint32_t>> group_or_gid(Passwd& passwd, const std::string& text) {
  if (const auto gid = parse_number<std::uint32_t>(text)) return gid;
  return passwd.group(text);
}

}  // namespace facteur::auth
