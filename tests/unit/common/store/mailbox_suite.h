// The promises of mailbox.h, as one suite that every writable store passes.
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

inline void suite_append(const SuiteSubject& subject) {
  const auto account = subject.session();
  const auto inbox = open_in(*account, "inbox");
  const auto empty = now(*inbox);
  CHECK(empty->records.empty());
  CHECK(empty->uid_validity > 0);

  const Uid first = add(*inbox, suite_mail, seen | flagged, {"$Work"}, 1000000000);
  const Uid second = add(*inbox, "Subject: two\n\nbare\nends\n");
  CHECK(second > first);
  const auto snapshot = now(*inbox);
  REQUIRE(snapshot->records.size() == 2);
  CHECK(snapshot->uid_next > second);
  CHECK(snapshot->uid_validity == empty->uid_validity);
  const auto& record = snapshot->records[0];
  CHECK(record.flags.system == (seen | flagged));
  REQUIRE(snapshot->keywords == std::vector<std::string>{"$Work"});
  CHECK(record.flags.keywords == 1);
  CHECK(record.internal_date == 1000000000);
  CHECK(record.size == suite_mail.size());
  CHECK(content_of(*inbox, first) == suite_mail);
  CHECK(content_of(*inbox, second) == "Subject: two\r\n\r\nbare\r\nends\r\n");
  CHECK(snapshot->records[1].size == content_of(*inbox, second).size());
  CHECK(inbox->open(second + 1).error().kind == Kind::permanent);
  CHECK(now(*inbox) == snapshot);

  const auto status = inbox->status();
  REQUIRE(status);
  CHECK(status->messages == 2);
  CHECK(status->unseen == 1);
  CHECK(status->first_unseen == second);
  CHECK(status->recent == 2);

  const auto other = subject.session();
  const auto again = open_in(*other, "INBOX");
  CHECK(uids_of(*now(*again)) == std::vector<Uid>{first, second});
  CHECK(now(*again)->uid_validity == empty->uid_validity);
  CHECK(now(*again)->records[0].flags == record.flags);
}

inline void suite_content(const SuiteSubject& subject) {
  const auto account = subject.session();
  const auto inbox = open_in(*account, "INBOX");
  std::string long_mail = "Subject: long\r\n\r\n";
  while (long_mail.size() < 300000) long_mail += "line " + std::to_string(long_mail.size()) + "\r\n";
  long_mail += "a lone \r stays, \x80\xff too, and so does NUL " + std::string(1, '\0') + "\r\n";
  const Uid uid = add(*inbox, long_mail);
  auto content = inbox->open(uid);
  REQUIRE(content);
  REQUIRE((*content)->size() == long_mail.size());
  for (const std::size_t step : {1000UL, 65536UL, 299999UL}) {
    std::string read;
    for (;;) {
      const auto part = (*content)->read(read.size(), step);
      REQUIRE(part);
      if (part->empty()) break;
      read += *part;
    }
    CHECK(read == long_mail);
  }
  for (const std::size_t offset : {0UL, 16UL, 17UL, 131071UL, 200000UL, 7UL}) {
    CHECK(*(*content)->read(offset, 33) == long_mail.substr(offset, 33));
  }
  CHECK((*content)->read(long_mail.size(), 10)->empty());
  CHECK((*content)->read(std::uint64_t{1} << 62, 10)->empty());
  // What is open stays readable when the message goes.
  REQUIRE(inbox->expunge({&uid, 1}));
  CHECK(*read_all(**content) == long_mail);
}

inline void suite_flags(const SuiteSubject& subject) {
  const auto account = subject.session();
  const auto inbox = open_in(*account, "INBOX");
  const std::vector<Uid> uids{add(*inbox, suite_mail), add(*inbox, suite_mail), add(*inbox, suite_mail)};
  const auto before = now(*inbox);
  REQUIRE(inbox->change_flags({uids.data(), 2}, FlagChange::add, seen, {"Urgent", "later"}));
  const auto added = now(*inbox);
  CHECK(added->highest_modseq > before->highest_modseq);
  CHECK(added->records[0].modseq > before->records[0].modseq);
  CHECK(added->records[2].modseq == before->records[2].modseq);
  const auto changes = diff(*before, *added);
  CHECK(changes.flags == std::vector<std::uint32_t>{1, 2});
  CHECK(changes.expunged.empty());
  CHECK(changes.added == 0);

  REQUIRE(inbox->change_flags(uids, FlagChange::remove, seen, {"URGENT", "unknown"}));
  REQUIRE(inbox->change_flags({uids.data() + 1, 1}, FlagChange::replace, answered | draft | deleted, {"Later"}));
  const auto end = now(*inbox);
  CHECK(end->keywords == std::vector<std::string>{"Urgent", "later"});
  CHECK(end->records[0].flags == Flags{0, 2});
  CHECK(end->records[1].flags == Flags{answered | draft | deleted, 2});
  CHECK(end->records[2].flags == Flags{0, 0});

  const std::vector<Uid> gone{4000000};
  CHECK(inbox->change_flags(gone, FlagChange::add, seen, {}));
  CHECK(inbox->change_flags(uids, FlagChange::add, 0, {"no keyword"}).error().kind == Kind::permanent);
  std::vector<std::string> many;
  for (int i = 0; i < 70; ++i) many.push_back("k" + std::to_string(i));
  CHECK(inbox->change_flags(uids, FlagChange::add, seen, many).error().kind == Kind::permanent);
  CHECK(diff(*end, *now(*inbox)).flags.empty());

  const auto other = subject.session();
  const auto again = now(*open_in(*other, "INBOX"));
  CHECK(again->records[1].flags == end->records[1].flags);
  CHECK(again->keywords == end->keywords);
}

inline void suite_expunge(const SuiteSubject& subject) {
  const auto account = subject.session();
  const auto inbox = open_in(*account, "INBOX");
  std::vector<Uid> uids;
  for (int i = 0; i < 6; ++i) uids.push_back(add(*inbox, suite_mail + std::to_string(i) + "\r\n"));
  const auto before = now(*inbox);
  const std::vector<Uid> victims{uids[1], uids[4], 4000000};
  const auto gone = inbox->expunge(victims);
  REQUIRE(gone);
  CHECK(*gone == std::vector<Uid>{uids[1], uids[4]});
  CHECK(inbox->expunge(victims)->empty());
  const auto after = now(*inbox);
  CHECK(uids_of(*after) == std::vector<Uid>{uids[0], uids[2], uids[3], uids[5]});
  CHECK(diff(*before, *after).expunged == std::vector<std::uint32_t>{5, 2});
  CHECK(after->uid_next == before->uid_next);
  CHECK(inbox->open(uids[1]).error().kind == Kind::permanent);
  CHECK(content_of(*inbox, uids[5]) == suite_mail + "5\r\n");
  const Uid next = add(*inbox, suite_mail);
  CHECK(next >= before->uid_next);

  // All gone, and no UID comes back.
  REQUIRE(inbox->expunge(uids_of(*now(*inbox))));
  CHECK(now(*inbox)->records.empty());
  CHECK(add(*inbox, suite_mail) > next);
  const auto other = subject.session();
  CHECK(now(*open_in(*other, "INBOX"))->records.size() == 1);
}

inline void suite_sessions(const SuiteSubject& subject) {
  const auto one = subject.session();
  const auto two = subject.session();
  const auto a = open_in(*one, "INBOX");
  const auto b = open_in(*two, "INBOX");
  const Uid first = add(*a, suite_mail);
  CHECK(uids_of(*now(*b)) == std::vector<Uid>{first});
  const Uid second = add(*b, suite_mail);
  REQUIRE(a->change_flags({&second, 1}, FlagChange::add, seen, {"shared"}));
  CHECK(now(*b)->records[1].flags.system == seen);
  CHECK(now(*b)->keywords == std::vector<std::string>{"shared"});
  const auto seen_by_a = now(*a);
  CHECK(uids_of(*seen_by_a) == uids_of(*now(*b)));
  CHECK(diff(*seen_by_a, *now(*b)).flags.empty());
  CHECK(*b->expunge({&first, 1}) == std::vector<Uid>{first});
  CHECK(a->expunge({&first, 1})->empty());
  CHECK(uids_of(*now(*a)) == std::vector<Uid>{second});

  CHECK(*a->first_recent(true) <= second);
  CHECK(*b->first_recent(true) > second);
  CHECK(b->status()->recent == 0);
  const Uid third = add(*a, suite_mail);
  CHECK(b->status()->recent == 1);
  CHECK(*b->first_recent(false) <= third);
  CHECK(*b->first_recent(false) > second);
}

inline void suite_all_or_none(const SuiteSubject& subject) {
  const auto account = subject.session();
  const auto inbox = open_in(*account, "INBOX");
  const std::vector<NewMessage> bad{{suite_mail, 0, {}, 0}, {suite_mail, 0, {"bad keyword"}, 0}};
  CHECK(inbox->append(bad).error().kind == Kind::permanent);
  CHECK(now(*inbox)->records.empty());
  const std::vector<NewMessage> good{{suite_mail, seen, {"x"}, 5}, {"Subject: 2\r\n\r\n", 0, {}, 6}, {"", 0, {}, 7}};
  const auto appended = inbox->append(good);
  REQUIRE(appended);
  CHECK(appended->uids == uids_of(*now(*inbox)));
  CHECK(appended->uid_validity == now(*inbox)->uid_validity);

  const auto reader = open_in(*account, "INBOX", true);
  CHECK(reader->read_only());
  CHECK(reader->append(good).error().kind == Kind::permanent);
  CHECK(reader->expunge(appended->uids).error().kind == Kind::permanent);
  CHECK(reader->change_flags(appended->uids, FlagChange::add, seen, {}).error().kind == Kind::permanent);
  CHECK(*reader->first_recent(true) == *inbox->first_recent(false));
  CHECK(now(*reader)->records.size() == 3);
}

inline void suite_watch(const SuiteSubject& subject) {
  const auto account = subject.session();
  const auto watcher = open_in(*account, "INBOX");
  const auto writer = open_in(*account, "INBOX");
  (void)now(*watcher);
  if (watcher->watch_descriptor() < 0) return;
  watcher->drain_watch();
  add(*writer, suite_mail);
  struct timespec pause{0, 10000000};
  eventfd_t value = 0;
  for (int i = 0; i < 300 && value == 0; ++i) {
    if (::eventfd_read(watcher->watch_descriptor(), &value) == 0) break;
    ::nanosleep(&pause, nullptr);
  }
  CHECK(value > 0);
}

inline void suite_copy(const SuiteSubject& subject) {
  if (!subject.folders) return;
  const auto account = subject.session();
  REQUIRE(account->create("Archive"));
  const auto inbox = open_in(*account, "INBOX");
  const auto archive = open_in(*account, "Archive");
  add(*archive, suite_mail, 0, {"other"});
  const std::vector<Uid> uids{add(*inbox, suite_mail, seen, {"kept"}, 777), add(*inbox, "B: 2\r\n\r\n2\r\n")};
  const auto copied = inbox->copy(uids, *archive);
  REQUIRE(copied);
  REQUIRE(copied->uids.size() == 2);
  const auto there = now(*archive);
  CHECK(copied->uid_validity == there->uid_validity);
  REQUIRE(there->records.size() == 3);
  CHECK(there->records[1].internal_date == 777);
  CHECK(there->records[1].flags == Flags{seen, 2});
  CHECK(there->keywords == std::vector<std::string>{"other", "kept"});
  CHECK(content_of(*archive, copied->uids[1]) == "B: 2\r\n\r\n2\r\n");
  // The copy is a message of its own.
  REQUIRE(inbox->expunge(uids));
  CHECK(content_of(*archive, copied->uids[0]) == suite_mail);
  // Into itself.
  const auto doubled = archive->copy(copied->uids, *archive);
  REQUIRE(doubled);
  CHECK(now(*archive)->records.size() == 5);
}

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

/// Runs everything, each part against a store of its own that `make` makes.
inline void run_mailbox_suite(const std::function<SuiteSubject()>& make) {
  using Part = void (*)(const SuiteSubject&);
  const std::vector<std::pair<const char*, Part>> parts{{"append", suite_append},
                                                        {"content", suite_content},
                                                        {"flags", suite_flags},
                                                        {"expunge", suite_expunge},
                                                        {"sessions", suite_sessions},
                                                        {"all or none", suite_all_or_none},
                                                        {"watch", suite_watch},
                                                        {"copy", suite_copy},
                                                        {"folders", suite_folders},
                                                        {"rename INBOX", suite_inbox_rename},
                                                        {"subscriptions", suite_subscriptions},
                                                        {"hostile names", suite_hostile_names}};
  for (const auto& [name, part] : parts) {
    DYNAMIC_SECTION(name) {
      part(make());
    }
  }
}

}  // namespace facteur::store
