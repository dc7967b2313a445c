// The promises of mailbox.h about messages: what is appended, read, flagged, removed and copied.
#pragma once

#include <string>
#include <sys/eventfd.h>
#include <time.h>
#include <vector>

#include "mailbox_subject.h"

namespace facteur::store {

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
  CHECK(status->first_unseen_number == 2);
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

inline void suite_many_keywords(const SuiteSubject& subject) {
  const auto account = subject.session();
  const auto inbox = open_in(*account, "INBOX");
  std::vector<std::string> all;
  for (std::size_t i = 0; i < max_keywords; ++i) all.push_back("k" + std::to_string(i));
  const Uid first = add(*inbox, suite_mail);
  REQUIRE(inbox->change_flags({&first, 1}, FlagChange::add, 0, all));
  CHECK(inbox->change_flags({&first, 1}, FlagChange::add, 0, {"more"}).error().kind == Kind::permanent);

  // A message is kept without what finds no room.
  const std::vector<NewMessage> one{{suite_mail, seen, {"k3", "more"}, 0}};
  REQUIRE(inbox->append(one));
  if (account->create("Other")) {  // an mbox has no other mailboxes
    const auto other = open_in(*account, "Other");
    REQUIRE(other->append(one));
    const Uid there = now(*other)->records[0].uid;
    REQUIRE(other->copy({&there, 1}, *inbox));
  }
  const auto end = now(*inbox);
  CHECK(end->records.size() >= 2);
  for (const auto& record : end->records) {
    if (record.uid != first) CHECK(record.flags == Flags{seen, std::uint64_t{1} << 3});
  }
  CHECK(end->keywords == all);
}

inline void suite_expunged_since(const SuiteSubject& subject) {
  using Ranges = std::vector<UidRange>;
  const auto account = subject.session();
  const auto inbox = open_in(*account, "INBOX");
  std::vector<Uid> uids;
  for (int i = 0; i < 8; ++i) uids.push_back(add(*inbox, suite_mail + std::to_string(i) + "\r\n"));
  const auto first = now(*inbox)->highest_modseq;
  CHECK(inbox->expunged_since(first) == Ranges{});
  const std::vector<Uid> middle{uids[2], uids[3], uids[5]};
  REQUIRE(inbox->expunge(middle)->size() == 3);
  const auto second = now(*inbox)->highest_modseq;
  CHECK(second > first);
  const auto other = subject.session();  // one more session, or another process
  const auto box = open_in(*other, "INBOX");
  const std::vector<Uid> edges{uids[7], uids[4]};
  REQUIRE(box->expunge(edges)->size() == 2);
  for (auto* each : {inbox.get(), box.get()}) {
    CHECK(each->expunged_since(first) == Ranges{{uids[2], uids[5]}, {uids[7], uids[7]}});
    CHECK(each->expunged_since(second) == Ranges{{uids[4], uids[4]}, {uids[7], uids[7]}});
    CHECK(each->expunged_since(now(*each)->highest_modseq) == Ranges{});
    // What nobody remembers is all that is not there.
    const auto all = each->expunged_since(0);
    REQUIRE(all);
    CHECK(all->back() == UidRange{uids[7], uids[7]});
    for (const auto& range : *all) {
      for (const Uid uid : uids_of(*now(*each))) CHECK((uid < range.first || uid > range.last));
    }
  }
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
  // As IDLE does it: what changes behind the look is an event, though the descriptor was not asked for yet.
  watcher->drain_watch();
  (void)now(*watcher);
  add(*writer, suite_mail);
  if (watcher->watch_descriptor() < 0) return;
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
  // A message that is not there is passed over, and said to be.
  const std::vector<Uid> asked{uids[0], uids[1] + 7, uids[1]};
  const auto copied = inbox->copy(asked, *archive);
  REQUIRE(copied);
  CHECK(copied->sources == uids);
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

}  // namespace facteur::store
