// A mailbox that goes to Dovecot and comes back.
#include <map>
#include <random>

#include "common/store/flags.h"
#include "common/store/maildir/dovecot_export.h"
#include "common/store/uids/line.h"
#include "dovecot_model.h"
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

namespace stdfs = std::filesystem;

namespace {

/// Moves a mailbox out as the command does: in a process of its own, which files of its own stand for.
Result<MovedOut> move_out(const std::string& path, std::string_view name = "INBOX") {
  fs::Files files;
  const auto account =
      MaildirAccount::open_existing(path, {.host = "host.example.test", .files = &files, .index = nullptr});
  if (!account) return fail(account);
  return (*account)->move_out(name);
}

MovedOut moved_out(const std::string& path, std::string_view name = "INBOX") {
  auto done = move_out(path, name);
  INFO((done ? std::string() : done.error().text));
  REQUIRE(done);
  return *std::move(done);
}

/// What a process sees that has not been here before.
Snapshot seen_anew(const std::string& path, std::string_view name = "INBOX") {
  fs::Files files;
  const auto account = account_at(path, files);
  return *now(*open_in(*account, name));
}

std::vector<std::string> keywords_of(const Snapshot& snapshot, std::size_t number) {
  return keyword_names(snapshot.keywords, snapshot.records[number].flags.keywords);
}

using Words = std::vector<std::string>;

/// A mailbox of three messages: flagged and with keywords, bare and in new/, with keywords and in new/; two were
/// expunged, one of them the last.
struct House {
  House() {
    add(*inbox, "A: gone\r\n\r\n");
    add(*inbox, "A: 1\r\n\r\n", seen | flagged, {"$Forwarded", "Work"});
    write(folder.path + "/new/1700000001.M1P1.h,S=6", "A: 2\n\n");
    write(folder.path + "/new/1700000002.M1P1.h", "A: 3\n\n");
    REQUIRE(now(*inbox)->records.size() == 4);
    const Uid third = 4;
    REQUIRE(inbox->change_flags({&third, 1}, FlagChange::add, 0, {"Work"}));
    add(*inbox, "A: last\r\n\r\n");
    const std::vector<Uid> gone{1, 5};
    REQUIRE(inbox->expunge(gone));
  }
  Folder folder;
  UnsyncedFiles files;
  std::unique_ptr<Account> account = account_at(folder.path, files);
  std::unique_ptr<Mailbox> inbox = open_in(*account, "INBOX");
};

}  // namespace

TEST_CASE("who goes to Dovecot keeps UIDVALIDITY, UIDs, UIDNEXT, flags and keywords") {
  House house;
  const auto validity = now(*house.inbox)->uid_validity;
  const auto done = moved_out(house.folder.path);
  CHECK_FALSE(done.before);
  CHECK(done.uid_validity == validity);
  CHECK(done.uid_next == 6);
  CHECK(done.messages == 3);
  CHECK(done.left_out.empty());
  CHECK(read(house.folder.path + "/dovecot-keywords") == "0 Work\n1 $Forwarded\n");
  DovecotModel dovecot(house.folder.path);
  CHECK(dovecot.uid_validity == validity);
  CHECK(dovecot.uid_next == 6);
  CHECK(dovecot.sizes == std::map<Uid, std::uint64_t>{{2, 8}, {3, 8}, {4, 8}});
  // A file in new/ cannot say flags and keywords.
  CHECK(files_in(house.folder.path + "/new") == Words{"1700000001.M1P1.h,S=6"});
  CHECK(stdfs::exists(house.folder.path + "/cur/1700000002.M1P1.h:2,a"));
  CHECK(files_in(house.folder.path + "/cur").size() == 2);
  dovecot.sync();
  REQUIRE(dovecot.uids.size() == 3);
  CHECK(dovecot.content(2) == "A: 1\n\n");
  CHECK(dovecot.letters(2) == "FSab");
  CHECK(dovecot.content(3) == "A: 2\n\n");
  CHECK(dovecot.letters(4) == "a");
}

TEST_CASE("what Dovecot has done is what the next session sees") {
  House house;
  const auto validity = now(*house.inbox)->uid_validity;
  const auto modseq = now(*house.inbox)->highest_modseq;
  (void)moved_out(house.folder.path);
  DovecotModel dovecot(house.folder.path);
  write(house.folder.path + "/new/1600000000.older", "A: 4\n\n");
  dovecot.sync();
  dovecot.set_letters(2, "Rb");
  dovecot.set_letters(3, "Sc");
  stdfs::remove(house.folder.path + "/cur/" + dovecot.files.at(dovecot.uids.at(4)));
  dovecot.sync();
  write(house.folder.path + "/dovecot-keywords", "0 Work\n1 $Forwarded\n2 Private\n");
  write(house.folder.path + "/new/1800000000.later", "A: 5\n\n");
  const auto snapshot = seen_anew(house.folder.path);
  CHECK(snapshot.uid_validity == validity);
  CHECK(snapshot.highest_modseq > modseq);
  REQUIRE(snapshot.records.size() == 4);
  CHECK(snapshot.records[0].uid == 2);
  CHECK(snapshot.records[0].flags.system == answered);
  CHECK(keywords_of(snapshot, 0) == Words{"$Forwarded"});
  CHECK(snapshot.records[1].uid == 3);
  CHECK(keywords_of(snapshot, 1) == Words{"Private"});
  CHECK(snapshot.records[2].uid == 6);  // given by Dovecot
  CHECK(snapshot.records[2].size == 8);
  CHECK(snapshot.records[3].uid >= 7);  // given by us
  // Who had it open all the time sees the same, and the list is ours again.
  CHECK(*now(*house.inbox) == snapshot);
  CHECK(content_of(*house.inbox, 6) == "A: 4\r\n\r\n");
  CHECK(add(*house.inbox, suite_mail) > snapshot.records[3].uid);
  CHECK(read(house.folder.path + "/facteur-uids").starts_with("facteur-uids 1 "));
  CHECK(seen_anew(house.folder.path).records.size() == 5);
}

TEST_CASE("a mailbox goes to and fro, and no UID is ever another message's") {
  std::mt19937 random(11);
  const Folder folder;
  UnsyncedFiles files;
  const auto account = account_at(folder.path, files);
  const auto inbox = open_in(*account, "INBOX");
  const auto validity = now(*inbox)->uid_validity;
  std::map<Uid, std::string> told;
  const auto tell = [&](Uid uid, const std::string& content) {
    REQUIRE(told.try_emplace(uid, to_lf(content)).first->second == to_lf(content));
  };
  int number = 0;
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 4; ++i) {
      const auto text = "Subject: " + std::to_string(number++) + "\r\n\r\n";
      tell(add(*inbox, text, random() % 2 == 0 ? seen : 0, {"k" + std::to_string(random() % 3)}), text);
    }
    for (const auto& record : now(*inbox)->records) tell(record.uid, content_of(*inbox, record.uid));
    const auto before = *now(*inbox);
    const Uid gone = before.records[random() % before.records.size()].uid;
    if (random() % 2 == 0) REQUIRE(inbox->expunge({&gone, 1}));
    if (random() % 4 == 0) continue;
    REQUIRE(move_out(folder.path));
    if (random() % 4 == 0) continue;
    DovecotModel dovecot(folder.path);
    for (int i = 0; i < 3; ++i) {
      write(folder.path + "/new/1700000000." + std::to_string(number), "A: " + std::to_string(number) + "\n\n");
      ++number;
      dovecot.sync();
      const auto last = dovecot.uids.rbegin()->first;
      tell(last, dovecot.content(last));
      if (random() % 2 == 0) stdfs::remove(folder.path + "/cur/" + dovecot.files.at(dovecot.uids.at(last)));
    }
    dovecot.sync();
    for (const auto& [uid, base] : dovecot.uids) tell(uid, dovecot.content(uid));
  }
  CHECK(now(*inbox)->uid_validity == validity);
}

TEST_CASE("a mailbox that was moved out before is left as it is") {
  House house;
  (void)moved_out(house.folder.path);
  const auto list = read(house.folder.path + "/dovecot-uidlist");
  CHECK(moved_out(house.folder.path).before);
  CHECK(read(house.folder.path + "/dovecot-uidlist") == list);
  CHECK(read(house.folder.path + "/facteur-uids").starts_with("facteur-uids-handed-over 1 "));
  // Back here, it can go again; and is the same mailbox to Dovecot.
  const auto guid = DovecotModel(house.folder.path).guid;
  (void)seen_anew(house.folder.path);
  CHECK_FALSE(moved_out(house.folder.path).before);
  CHECK(DovecotModel(house.folder.path).guid == guid);
}

TEST_CASE("a process that has handed a mailbox over goes on by what Dovecot did, too") {
  House house;
  const auto validity = now(*house.inbox)->uid_validity;
  auto& account = dynamic_cast<MaildirAccount&>(*house.account);
  REQUIRE(account.move_out("INBOX"));
  REQUIRE(account.move_out("INBOX")->before);
  DovecotModel dovecot(house.folder.path);
  const bool believed = GENERATE(true, false);
  if (!believed) dovecot.uid_next = 2;
  write(house.folder.path + "/new/1600000000.older", "A: 4\n\n");
  dovecot.sync();
  if (!believed) set_age(house.folder.path + "/dovecot-uidlist", -60);
  // It acts before it looks: on what it told before, if that is still so.
  const Uid second = 2;
  const bool expunged = house.inbox->expunge({&second, 1}).has_value();
  const auto snapshot = now(*house.inbox);
  CHECK(expunged == believed);
  CHECK((snapshot->uid_validity == validity) == believed);
  CHECK(snapshot->records.size() == (believed ? 3 : 4));
  CHECK(*snapshot == seen_anew(house.folder.path));
  REQUIRE(account.move_out("INBOX"));
}

TEST_CASE("mailboxes without a list, without messages, and with Dovecot's own list go as well") {
  const Folder folder;
  const auto account = account_at(folder.path);
  for (const char* name : {"Empty", "Unread", "Foreign"}) REQUIRE(account->create(name));
  write(folder.path + "/.Unread/new/1700000000.one", "A: 1\n\n");
  write(folder.path + "/.Foreign/cur/1700000000.two:2,Sb", "A: 2\n\n");
  write(folder.path + "/.Foreign/dovecot-uidlist", "3 V77 N30 G00112233445566778899aabbccddeeff\n29 :1700000000.two\n");
  write(folder.path + "/.Foreign/dovecot-keywords", "0 Unused\n1 Work\n");
  CHECK(moved_out(folder.path, "Empty").uid_next == 1);
  CHECK(DovecotModel(folder.path + "/.Empty").uids.empty());
  CHECK(moved_out(folder.path, "Unread").messages == 1);
  CHECK(DovecotModel(folder.path + "/.Unread").uids.at(1) == "1700000000.one");
  CHECK(moved_out(folder.path, "Foreign").uid_validity == 77);
  const DovecotModel foreign(folder.path + "/.Foreign");
  CHECK(foreign.uids.at(29) == "1700000000.two");
  CHECK(foreign.guid == "G00112233445566778899aabbccddeeff");
  CHECK(foreign.names == std::map<char, std::string>{{'a', "Unused"}, {'b', "Work"}});
  CHECK(stdfs::exists(folder.path + "/.Foreign/cur/1700000000.two:2,Sb"));
  stdfs::remove(folder.path + "/tmp");
  CHECK(moved_out(folder.path).messages == 0);
  CHECK(move_out(folder.path, "None").error().kind == Kind::permanent);
  CHECK(move_out(folder.path + "/nowhere").error().errno_value == ENOENT);
}

TEST_CASE("keywords beyond 26 are told, and are there again when the mailbox comes back") {
  const Folder folder;
  const auto account = account_at(folder.path);
  const auto inbox = open_in(*account, "INBOX");
  Words all;
  for (int i = 0; i < 28; ++i) all.push_back("key" + std::to_string(i));
  add(*inbox, "A: 1\r\n\r\n", 0, all);
  add(*inbox, "A: 2\r\n\r\n", 0, {all.begin() + 2, all.end()});
  const Uid second = 2;
  const Uid third = add(*inbox, "A: 3\r\n\r\n", 0, {"unused"});
  REQUIRE(inbox->change_flags({&third, 1}, FlagChange::remove, 0, {"unused"}));
  write(folder.path + "/dovecot-keywords", "3 KEY5\n7 key6\n9 stale\n");
  // A letter of a keyword that was taken off the message since.
  const auto name = folder.path + "/cur/" + files_in(folder.path + "/cur")[2];
  stdfs::rename(name, name + "j");
  const auto done = moved_out(folder.path);
  CHECK(done.left_out == Words{"key0", "key1"});
  DovecotModel dovecot(folder.path);
  CHECK(dovecot.names.size() == 26);
  CHECK(dovecot.names.at('d') == "key5");
  CHECK(dovecot.names.at('h') == "key6");
  dovecot.sync();
  CHECK(dovecot.letters(second) == "abcdefghijklmnopqrstuvwxyz");
  CHECK(dovecot.letters(third).empty());
  dovecot.set_letters(second, "d");
  const auto snapshot = seen_anew(folder.path);
  CHECK(keywords_of(snapshot, 0) == all);
  CHECK(keywords_of(snapshot, 1) == Words{"key5"});
}

TEST_CASE("letters stay with their keywords; those of keywords that nobody has are taken last") {
  UidState state;
  REQUIRE(state.apply(seal_line("facteur-uids 1 9")) > 0);
  state.keywords = {"A", "B", "C"};
  for (Uid uid = 1; uid <= 3; ++uid) {
    UidEntry entry;
    entry.base = "m" + std::to_string(uid);
    entry.keywords = uid == 1 ? 7 : 6;
    REQUIRE(state.add(uid, std::move(entry)));
  }
  const auto letters = letters_for(state, {"x", "", "c", "y"});
  CHECK(letters.names[1] == "B");  // on more messages than A
  CHECK(letters.names[2] == "C");
  CHECK(letters.names[4] == "A");
  CHECK(letters.of(7, state.keywords) == "bce");
  const auto full = letters_for(state, Words(keyword_letters, "old"));
  CHECK(full.names[0] == "B");
  CHECK(full.names[1] == "C");
  CHECK(full.names[2] == "A");
  CHECK(full.names[25] == "old");
  CHECK(format_dovecot_keywords(letters) == "0 x\n1 B\n2 C\n3 y\n4 A\n");
  state.find(Uid{1})->file.place = FileState::Place::in_cur;
  state.find(Uid{1})->size = 12;
  CHECK(format_dovecot_uidlist(state, "0f") == "3 V9 N4 G0f\n1 W12 :m1\n");
}

TEST_CASE("UIDs beyond 31 bits go as they are") {
  const Folder folder;
  (void)account_at(folder.path);
  write(folder.path + "/cur/1700000000.high:2,S", "A: 1\n\n");
  write(folder.path + "/facteur-uids", seal_line("facteur-uids 1 4000000000") + seal_line("c 4292967295 1000 5") +
                                           seal_line("u 4291967295 8 5 1700000000.high"));
  CHECK(moved_out(folder.path).uid_next == 4291967296);
  DovecotModel dovecot(folder.path);
  CHECK(dovecot.uid_validity == 4000000000);
  write(folder.path + "/new/1800000000.next", "A: 2\n\n");
  dovecot.sync();
  const auto snapshot = seen_anew(folder.path);
  CHECK(uids_of(snapshot) == std::vector<Uid>{4291967295, 4291967296});
  CHECK(snapshot.uid_validity == 4000000000);
}

TEST_CASE("of two files of one message with other octets the hidden one becomes a message") {
  House house;
  const auto name = files_in(house.folder.path + "/cur")[0];
  const auto base = name.substr(0, name.find(':'));
  write(house.folder.path + "/new/" + base, "A: other\n\n");
  stdfs::copy_file(house.folder.path + "/new/1700000001.M1P1.h,S=6",
                   house.folder.path + "/cur/1700000001.M1P1.h,S=6:2,F");
  (void)moved_out(house.folder.path);
  DovecotModel dovecot(house.folder.path);
  dovecot.sync();
  REQUIRE(dovecot.uids.size() == 4);
  CHECK(dovecot.content(2) == "A: 1\n\n");
  CHECK(dovecot.content(3) == "A: 2\n\n");
  CHECK(dovecot.content(dovecot.uids.rbegin()->first) == "A: other\n\n");
  CHECK(dovecot.uids.rbegin()->first == 6);
}

TEST_CASE("UIDs of Dovecot that contradict ours are not taken: a higher UIDVALIDITY, the keywords as the files say") {
  const auto what = GENERATE("gone", "damaged", "older", "another message", "one that was expunged");
  House house;
  const auto validity = now(*house.inbox)->uid_validity;
  (void)moved_out(house.folder.path);
  DovecotModel dovecot(house.folder.path);
  dovecot.sync();
  dovecot.set_letters(4, "b");
  const auto path = house.folder.path + "/dovecot-uidlist";
  INFO(what);
  if (what == std::string("gone")) stdfs::remove(path);
  if (what == std::string("damaged")) write(path, "garbage\n");
  if (what == std::string("older")) dovecot.uid_next = 5;
  if (what == std::string("another message")) std::swap(dovecot.uids[2], dovecot.uids[3]);
  if (what == std::string("one that was expunged")) {
    write(house.folder.path + "/cur/1800000000.new:2,", "A: 4\n\n");
    dovecot.uids[5] = "1800000000.new";
  }
  if (what != std::string("gone") && what != std::string("damaged")) dovecot.sync();
  if (what != std::string("gone")) set_age(path, -60);
  const auto snapshot = seen_anew(house.folder.path);
  CHECK(snapshot.uid_validity > validity);
  for (std::size_t i = 0; i < snapshot.records.size(); ++i) CHECK(snapshot.records[i].uid == i + 1);
  CHECK(keywords_of(snapshot, 2) == Words{"$Forwarded"});
  CHECK(*now(*open_in(*house.account, "INBOX")) == snapshot);
}

TEST_CASE("a mailbox that Dovecot has numbered anew is taken over, once") {
  House house;
  const auto validity = now(*house.inbox)->uid_validity;
  const auto come_back = [&] {
    (void)moved_out(house.folder.path);
    DovecotModel dovecot(house.folder.path);
    dovecot.sync();
    dovecot.uid_validity = validity + 1000;
    dovecot.uid_next = 11;
    dovecot.uids = {{10, dovecot.uids.begin()->second}};
    dovecot.sync();
    return seen_anew(house.folder.path);
  };
  const auto first = come_back();
  CHECK(first.uid_validity == validity + 1000);
  CHECK(uids_of(first) == std::vector<Uid>{10, 11, 12});
  REQUIRE(house.inbox->snapshot());
  // As its own it goes and comes; but when the list was another one's meanwhile nobody can tell.
  write(house.folder.path + "/facteur-uids", seal_line("facteur-uids-handed-over 1 5") + seal_line("n 3"));
  const auto second = seen_anew(house.folder.path);
  CHECK(second.uid_validity > validity + 1000);
}

TEST_CASE("a list that is lost after its mailbox came back costs the UIDVALIDITY, though Dovecot's list is there") {
  House house;
  const auto validity = now(*house.inbox)->uid_validity;
  REQUIRE(house.account->create("Later"));  // so that it is not the last UIDVALIDITY of the account
  (void)now(*open_in(*house.account, "Later"));
  (void)moved_out(house.folder.path);
  CHECK(seen_anew(house.folder.path).uid_validity == validity);
  stdfs::remove(house.folder.path + "/facteur-uids");
  CHECK(seen_anew(house.folder.path).uid_validity > validity);
}

TEST_CASE("a list that was handed over and is lost costs the UIDVALIDITY, however it is lost") {
  House house;
  const auto validity = now(*house.inbox)->uid_validity;
  (void)moved_out(house.folder.path);
  const auto path = house.folder.path + "/facteur-uids";
  const auto list = read(path);
  const auto account = read(house.folder.path + "/facteur-uidvalidity");
  const auto end = list.find('\n');
  for (std::size_t i = 0; i <= end + 1; ++i) {
    auto damaged = list;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    write(path, damaged);
    write(house.folder.path + "/facteur-uidvalidity", account);
    if (i == end + 1) stdfs::remove(path);
    INFO(i);
    CHECK(seen_anew(house.folder.path).uid_validity > validity);
  }
}
