// The promises of mailbox.h about accounts: mailboxes made, renamed, removed, subscribed to; names that are refused.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/base/strings.h"
#include "mailbox_subject.h"

namespace facteur::store {

inline std::set<std::string> names_of(Account& account) {
  std::set<std::string> names;
  const auto listed = account.list();
  REQUIRE(listed);
  REQUIRE(listed->front().name == "INBOX");
  for (const auto& entry : *listed) {
    if (entry.selectable) names.insert(entry.name);
  }
  return names;
}

inline void suite_folders(const SuiteSubject& subject) {
  if (!subject.folders) return;
  const auto account = subject.session();
  REQUIRE(account->create("Sub/deeper"));
  REQUIRE(account->create("Entw\xc3\xbcrfe & mehr"));
  CHECK(account->create("Sub/deeper").error().kind == Kind::permanent);
  CHECK(account->create("inbox").error().kind == Kind::permanent);
  CHECK(names_of(*account) == std::set<std::string>{"INBOX", "Sub/deeper", "Entw\xc3\xbcrfe & mehr"});
  const auto listed = *account->list();
  const auto parent = std::ranges::find(listed, "Sub", &Listed::name);
  REQUIRE(parent != listed.end());
  CHECK_FALSE(parent->selectable);
  CHECK(parent->has_children);
  CHECK(account->open("Sub", false).error().kind == Kind::permanent);

  const auto deeper = open_in(*account, "Sub/deeper");
  const Uid uid = add(*deeper, suite_mail, 0, {"kw"});
  const auto validity = now(*deeper)->uid_validity;
  REQUIRE(account->rename("Sub", "Other/place"));
  CHECK(names_of(*account) == std::set<std::string>{"INBOX", "Other/place/deeper", "Entw\xc3\xbcrfe & mehr"});
  const auto moved = open_in(*account, "Other/place/deeper");
  CHECK(content_of(*moved, uid) == suite_mail);
  CHECK(now(*moved)->keywords == std::vector<std::string>{"kw"});
  CHECK(account->rename("Sub", "X").error().kind == Kind::permanent);
  CHECK(account->rename("Other", "Other/below").error().kind == Kind::permanent);
  CHECK(account->rename("Other/place/deeper", "INBOX").error().kind == Kind::permanent);

  // A new mailbox of an old name has another UIDVALIDITY, higher.
  REQUIRE(account->remove("Other/place/deeper"));
  CHECK(account->remove("Other/place/deeper").error().kind == Kind::permanent);
  CHECK(account->remove("INBOX").error().kind == Kind::permanent);
  REQUIRE(account->create("Other/place/deeper"));
  const auto fresh = open_in(*account, "Other/place/deeper");
  CHECK(now(*fresh)->uid_validity > validity);
  CHECK(now(*fresh)->records.empty());
}

inline void suite_inbox_rename(const SuiteSubject& subject) {
  if (!subject.folders) return;
  const auto account = subject.session();
  const auto inbox = open_in(*account, "INBOX");
  add(*inbox, suite_mail, answered, {"kw"});
  REQUIRE(account->rename("INBOX", "Old"));
  const auto old = open_in(*account, "Old");
  REQUIRE(now(*old)->records.size() == 1);
  CHECK(now(*old)->records[0].flags == Flags{answered, 1});
  CHECK(content_of(*old, now(*old)->records[0].uid) == suite_mail);
  CHECK(now(*inbox)->records.empty());
  CHECK(account->status("Old")->messages == 1);
  CHECK(account->status("none").error().kind == Kind::permanent);
}

inline void suite_subscriptions(const SuiteSubject& subject) {
  const auto account = subject.session();
  CHECK(account->subscriptions()->empty());
  REQUIRE(account->subscribe("INBOX", true));
  REQUIRE(account->subscribe("not there/yet", true));
  REQUIRE(account->subscribe("INBOX", true));
  CHECK(account->subscribe("../etc", true).error().kind == Kind::permanent);
  const auto other = subject.session();
  CHECK(*other->subscriptions() == std::vector<std::string>{"INBOX", "not there/yet"});
  REQUIRE(other->subscribe("INBOX", false));
  REQUIRE(other->subscribe("INBOX", false));
  CHECK(*account->subscriptions() == std::vector<std::string>{"not there/yet"});
}

/// TORTURE IMP-15: names that could lead out of the account, or into the files of the store.
inline void suite_hostile_names(const SuiteSubject& subject) {
  const auto account = subject.session();
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += "/a";
  const std::vector<std::string> names{"",
                                       "../../etc",
                                       "/abs",
                                       "a/../b",
                                       "~root",
                                       "a//b",
                                       ".",
                                       "..",
                                       ".lead",
                                       "trail/",
                                       "new",
                                       "cur",
                                       "tmp",
                                       "INBOX/..",
                                       "a/./b",
                                       "dovecot-uidlist",
                                       "with\nline",
                                       "nul" + std::string(1, '\0'),
                                       "*",
                                       "a%b",
                                       "\x7f",
                                       "bad\xff",
                                       "\xc0\xaf",
                                       deep,
                                       std::string(4096, 'x'),
                                       std::string(1001, 'x')};
  for (const auto& name : names) {
    INFO(printable(name, 40));
    CHECK(account->create(name).error().kind == Kind::permanent);
    CHECK(account->open(name, false).error().kind == Kind::permanent);
    CHECK(account->remove(name).error().kind == Kind::permanent);
    CHECK(account->rename("INBOX", name).error().kind == Kind::permanent);
    CHECK(account->rename(name, "fine").error().kind == Kind::permanent);
    CHECK(account->subscribe(name, true).error().kind == Kind::permanent);
  }
  CHECK(names_of(*account) == std::set<std::string>{"INBOX"});
}

}  // namespace facteur::store
