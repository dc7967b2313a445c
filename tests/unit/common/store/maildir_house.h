// A Maildir account for tests.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/store/maildir/account.h"
#include "disk.h"
#include "mailbox_suite.h"

namespace facteur::store {

inline std::unique_ptr<Account> account_at(const std::string& path, fs::Files& files = fs::system_files()) {
  auto account = MaildirAccount::open_root(path, {.host = "host.example.test", .files = &files, .index = nullptr});
  INFO((account ? std::string() : account.error().text));
  REQUIRE(account);
  return *std::move(account);
}

inline std::vector<std::string> files_in(const std::string& path) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(path)) out.push_back(entry.path().filename());
  std::ranges::sort(out);
  return out;
}

/// UIDs and system flags.
inline std::vector<std::pair<Uid, int>> seen_by(Mailbox& mailbox) {
  const auto snapshot = mailbox.snapshot();
  INFO((snapshot ? std::string() : snapshot.error().text));
  REQUIRE(snapshot);
  std::vector<std::pair<Uid, int>> out;
  for (const auto& record : (*snapshot)->records) out.emplace_back(record.uid, record.flags.system);
  return out;
}

}  // namespace facteur::store
