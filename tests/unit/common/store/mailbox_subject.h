// A store under test, and what its tests do with mailboxes again and again.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <sys/eventfd.h>
#include <time.h>
#include <vector>

#include "catch.h"
#include "common/base/strings.h"
#include "common/store/content.h"
#include "common/store/mailbox.h"

namespace facteur::store {

/// A store under test: `session()` opens the same account once more, as another session would.
struct SuiteSubject {
  std::function<std::unique_ptr<Account>()> session;
  bool folders = true;  ///< false: INBOX is the only mailbox
};

inline const std::string suite_mail = "Subject: one\r\nFrom: a@example.test\r\n\r\nFirst line\r\n.\r\nlast\r\n";

inline std::vector<Uid> uids_of(const Snapshot& snapshot) {
  std::vector<Uid> uids;
  for (const auto& record : snapshot.records) uids.push_back(record.uid);
  return uids;
}

inline std::shared_ptr<const Snapshot> now(Mailbox& mailbox) {
  auto snapshot = mailbox.snapshot();
  REQUIRE(snapshot);
  return *snapshot;
}

inline std::unique_ptr<Mailbox> open_in(Account& account, std::string_view name, bool read_only = false) {
  auto mailbox = account.open(name, read_only);
  INFO((mailbox ? std::string() : mailbox.error().text));
  REQUIRE(mailbox);
  return *std::move(mailbox);
}

inline Uid add(Mailbox& mailbox, std::string_view octets, std::uint8_t flags = 0,
               std::vector<std::string> keywords = {}, std::int64_t date = 0) {
  const NewMessage message{octets, flags, std::move(keywords), date};
  const auto appended = mailbox.append({&message, 1});
  INFO((appended ? std::string() : appended.error().text));
  REQUIRE(appended);
  REQUIRE(appended->uids.size() == 1);
  return appended->uids.front();
}

inline std::string content_of(Mailbox& mailbox, Uid uid) {
  auto content = mailbox.open(uid);
  INFO((content ? std::string() : content.error().text));
  REQUIRE(content);
  auto octets = read_all(**content);
  REQUIRE(octets);
  CHECK(octets->size() == (*content)->size());
  return *octets;
}

}  // namespace facteur::store
