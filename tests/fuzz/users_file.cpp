// Users files: entries are read or have a problem, and an edit changes what it should or nothing.
#include "auth/users_file.h"

#include <string_view>

#include "auth/users_edit.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string hash = "$6$saltstring$aaaa";
  const auto file = auth::parse_users(text, "u", "x.y");
  const auto added = auth::with_users(text, {{"fresh@added.example", hash, ""}});
  if (added) check(auth::parse_users(*added, "u", "x.y")->users.contains("fresh@added.example"), "added means there");
  if (!file || file->users.empty()) return 0;
  const auto changed = auth::with_password(text, file->first, hash);
  if (changed)
    check(auth::parse_users(*changed, "u", "x.y")->users.at(file->first).password == hash, "changed means so");
  const auto gone = auth::without_user(text, file->first);
  if (gone) check(!auth::parse_users(*gone, "u", "x.y")->users.contains(file->first), "deleted means gone");
  return 0;
}
