#include <csignal>
#include <map>
#include <random>
#include <set>
#include <sys/wait.h>

#include "catch.h"
#include "common/store/account_lock.h"
#include "common/store/uids/line.h"
#include "common/store/uids/list.h"
#include "disk.h"

using namespace facteur;
using namespace facteur::store;

namespace {

/// A list in a folder; several of them on one folder stand for several processes.
struct List {
  explicit List(const std::string& path, fs::Files& files = fs::system_files(), Milliseconds wait = Milliseconds{5000})
      : directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        list(directory.get(), {.files = &files,
                               .lock_wait = wait,
                               .new_validity = [this]() -> Result<std::uint32_t> { return validity; },
                               .seed = {},
                               .take_over = {},
                               .take_back = [this](UidState& state) { return take_back(state); }}) {}
  Fd directory;
  std::uint32_t validity = 1000;
  std::function<Result<bool>(UidState&)> take_back = [](UidState&) { return false; };
  UidList list;

  Uid assign(const std::string& base) {
    auto locked = list.lock();
    REQUIRE(locked);
    UidEntry entry;
    entry.base = base;
    const Uid uid = locked->assign(std::move(entry));
    REQUIRE(locked->commit());
    return uid;
  }
  Uid uid_of(const std::string& base) {
    auto locked = list.lock();
    INFO((locked ? std::string() : locked.error().text));
    REQUIRE(locked);
    return list.state().uid_of(base);
  }
};

}  // namespace

TEST_CASE("lines are read back, and what is none is refused") {
  const auto line = seal_line("u 7 120 1000 1600000000.M1P2.host,S=1,W=2 with space");
  const auto parsed = parse_line(std::string_view(line).substr(0, line.size() - 1));
  REQUIRE(parsed);
  CHECK(parsed->type == 'u');
  CHECK(parsed->a == 7);
  CHECK(parsed->text == "1600000000.M1P2.host,S=1,W=2 with space");
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    std::string bad = line.substr(0, line.size() - 1);
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK_FALSE(parse_line(bad));
  }
  for (const char* fields :
       {"u 7 120 1000", "u -7 1 1 x", "u 7 1 1 ", "q 1", "m", "m 1 2", "m 18446744073709551616", ""}) {
    const auto sealed = seal_line(fields);
    CHECK_FALSE(parse_line(std::string_view(sealed).substr(0, sealed.size() - 1)));
  }
}

TEST_CASE("UIDs rise, are seen by others, and stay over a new start") {
  const Folder folder;
  List one(folder.path);
  List two(folder.path);
  CHECK(one.assign("a") == 1);
  CHECK(two.assign("b") == 2);
  CHECK(one.uid_of("b") == 2);
  CHECK(one.list.unchanged());
  {
    auto locked = two.list.lock();
    REQUIRE(locked);
    CHECK(*locked->define({"Work", "work", "Home"}) == 3);
    locked->set_keywords(2, 2);
    locked->forget(1);
    locked->set_first_recent(3);
    CHECK(locked->next_modseq() > 1);
    REQUIRE(locked->commit());
  }
  CHECK_FALSE(one.list.unchanged());
  List three(folder.path);
  for (auto* list : {&one, &three}) {
    CHECK(list->uid_of("a") == 0);
    CHECK(list->uid_of("b") == 2);
    auto& state = list->list.state();
    CHECK(state.keywords == std::vector<std::string>{"Work", "Home"});
    CHECK(state.find(2)->keywords == 2);
    CHECK(state.first_recent == 3);
    CHECK(state.uid_next == 3);
    CHECK(state.uid_validity == 1000);
  }
  CHECK(three.assign("a") == 3);
}

TEST_CASE("what was not committed is forgotten") {
  const Folder folder;
  List list(folder.path);
  {
    auto locked = list.list.lock();
    REQUIRE(locked);
    UidEntry entry;
    entry.base = "a";
    (void)locked->assign(std::move(entry));
  }
  CHECK(list.uid_of("a") == 0);
  CHECK(list.assign("b") == 1);
}

TEST_CASE("a lock that is not given back is waited for no longer than the bound") {
  const Folder folder;
  List holder(folder.path);
  const auto locked = holder.list.lock();
  REQUIRE(locked);
  List other(folder.path, fs::system_files(), Milliseconds{30});
  const auto start = monotonic_now();
  const auto refused = other.list.lock();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::timeout);
  CHECK(monotonic_now() - start < Seconds{20});
}

TEST_CASE("a torn last line is taken off, however it is torn") {
  const Folder folder;
  const std::string path = folder.path + "/facteur-uids";
  {
    List list(folder.path);
    list.assign("kept");
  }
  const auto whole = read(path);
  const auto torn = seal_line("u 2 0 0 torn");
  for (std::size_t cut = 1; cut < torn.size(); ++cut) {
    write(path, whole + torn.substr(0, cut));
    List list(folder.path);
    CHECK(list.uid_of("kept") == 1);
    CHECK(list.uid_of("torn") == 0);
    const Uid next = list.assign("next");
    CHECK(next >= 2);
    List again(folder.path);
    CHECK(again.uid_of("next") == next);
    CHECK(again.list.state().damaged() == 0);
  }
}

TEST_CASE("whatever is damaged, no UID is given to a second message") {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    const Folder folder;
    std::map<std::pair<std::uint32_t, Uid>, std::string> told;
    int name = 0;
    std::uint32_t validity = 1000;
    for (int damage = 0; damage < 6; ++damage) {
      UnsyncedFiles files;
      List list(folder.path, files);
      list.validity = validity;
      for (int i = 0; i < 700; ++i) {
        const auto base = "m" + std::to_string(name++);
        const Uid uid = list.assign(base);
        validity = std::max(validity, list.list.state().uid_validity);
        const auto [at, is_new] = told.try_emplace({list.list.state().uid_validity, uid}, base);
        REQUIRE(at->second == base);
      }
      for (const auto& entry : list.list.state().entries()) {
        const auto [at, is_new] = told.try_emplace({list.list.state().uid_validity, entry.uid}, entry.base);
        REQUIRE(at->second == entry.base);
      }
      auto octets = read(folder.path + "/facteur-uids");
      const auto at = random() % octets.size();
      const auto length = std::min<std::size_t>(1 + random() % (damage % 2 == 0 ? 3 : 5000), octets.size() - at);
      for (std::size_t i = 0; i < length; ++i) octets[at + i] = static_cast<char>(random());
      write(folder.path + "/facteur-uids", octets);
      ++validity;
    }
  }
}

TEST_CASE("an older list than the one that was told of: the messages get new UIDs") {
  const auto how = GENERATE("cut", "copied back", "renamed back");
  const Folder folder;
  const auto path = folder.path + "/facteur-uids";
  List list(folder.path);
  CHECK(list.assign("a") == 1);
  const auto old = read(path);
  CHECK(list.assign("b") == 2);
  INFO(how);
  if (how == std::string("cut")) {
    std::filesystem::resize_file(path, old.size());
  } else if (how == std::string("copied back")) {
    write(path, old);
  } else {
    write(path + ".old", old);
    std::filesystem::rename(path + ".old", path);
  }
  // Told as (1000, 2) was "b": nothing else may be that.
  list.validity = 1001;
  CHECK(list.assign("c") == 2);
  CHECK(list.list.state().uid_validity == 1001);
  CHECK(list.uid_of("a") == 1);
  CHECK(list.uid_of("b") == 0);
}

TEST_CASE("a last line that has lost its end may have been told") {
  const Folder folder;
  const auto path = folder.path + "/facteur-uids";
  {
    List list(folder.path);
    CHECK(list.assign("a") == 1);
    CHECK(list.assign("b") == 2);
  }
  auto octets = read(path);
  octets.back() = '\v';
  write(path, octets);
  List list(folder.path);
  CHECK(list.assign("c") > 2);
  CHECK(list.uid_of("a") == 1);
}

TEST_CASE("a list that was handed over is used when it was taken back, and is ours again then") {
  const Folder folder;
  const auto path = folder.path + "/facteur-uids";
  const Fd directory(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto handed_over = [&] { return *is_handed_over(directory.get(), fs::system_files()); };
  CHECK_FALSE(handed_over());
  List one(folder.path);
  List two(folder.path);
  CHECK(one.assign("a") == 1);
  CHECK(two.assign("b") == 2);
  CHECK_FALSE(handed_over());
  {
    auto locked = one.list.lock();
    REQUIRE(locked);
    REQUIRE(locked->hand_over());
  }
  CHECK(handed_over());
  for (auto* list : {&one, &two}) {
    CHECK_FALSE(list->list.unchanged());
    // What the other server did cannot be read now: nothing is given by the list alone.
    list->take_back = [](UidState&) -> Result<bool> { return fail(Kind::temporary, "not now"); };
    CHECK(list->list.lock().error().text == "not now");
  }
  CHECK(handed_over());
  int calls = 0;
  for (auto* list : {&two, &one}) {
    list->take_back = [&](UidState& state) {
      ++calls;
      state.uid_next = 50;
      return true;
    };
  }
  CHECK(two.assign("c") == 50);
  CHECK_FALSE(handed_over());
  CHECK(one.assign("d") == 51);
  CHECK(calls == 1);
  CHECK(one.list.state().uid_validity == 1000);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
  // One that is older than what was told of it: the other server went on from there, and we as well.
  write(path, seal_line("facteur-uids-handed-over 1 1000") + seal_line("u 1 0 0 a") + seal_line("n 40"));
  one.validity = 1001;
  CHECK(one.uid_of("a") == 1);
  CHECK(one.list.state().uid_validity == 1001);
  // Without anybody who can tell: of an mbox, say.
  write(path, seal_line("facteur-uids-handed-over 1 1001") + seal_line("u 7 0 0 a"));
  List other(folder.path);
  other.validity = 1002;
  CHECK(other.uid_of("a") == 1);
  CHECK(other.list.state().uid_validity == 1002);
}

TEST_CASE("without its first line a list is numbered anew under a higher UIDVALIDITY") {
  const Folder folder;
  {
    List list(folder.path);
    list.assign("a");
  }
  auto octets = read(folder.path + "/facteur-uids");
  octets[0] = 'X';
  write(folder.path + "/facteur-uids", octets);
  List list(folder.path);
  list.validity = 1001;
  CHECK(list.uid_of("a") == 0);
  CHECK(list.list.state().uid_validity == 1001);
}

TEST_CASE("IMP-21: at the end of the UIDs the mailbox is numbered anew") {
  const Folder folder;
  std::string lines = seal_line("facteur-uids 1 1000") + seal_line("u 4294967200 0 0 last") + seal_line("r 2");
  write(folder.path + "/facteur-uids", lines);
  List list(folder.path);
  CHECK(list.uid_of("last") == 1);
  CHECK(list.list.state().uid_validity == 1001);
  CHECK(list.assign("next") == 2);
  for (const char* hostile : {"n 4294967295", "c 4294967295 4611686018427387903 0", "m 4611686018427387903"}) {
    write(folder.path + "/facteur-uids", lines + seal_line(hostile));
    List other(folder.path);
    CHECK(other.assign("x") > 0);
  }
}

TEST_CASE("a list with much garbage is written anew, and others go on with it") {
  const Folder folder;
  List one(folder.path);
  List two(folder.path);
  one.assign("kept");
  (void)two.uid_of("kept");
  for (int i = 0; i < 3000; ++i) {
    auto locked = one.list.lock();
    REQUIRE(locked);
    (void)*locked->define({"kw"});
    locked->set_keywords(1, static_cast<std::uint64_t>(i % 2));
    (void)locked->next_modseq();
    REQUIRE(locked->commit());
  }
  CHECK(read(folder.path + "/facteur-uids").size() < 200000);
  CHECK(two.uid_of("kept") == 1);
  CHECK(two.list.state().find(1)->keywords == 1);
  CHECK(two.list.state().modseq == one.list.state().modseq);
  CHECK(two.assign("b") == 2);
  CHECK(one.uid_of("b") == 2);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("mod-sequences never fall, also when the lines of the last boot were lost") {
  const Folder folder;
  std::string lines = seal_line("facteur-uids 1 1000") + seal_line("c 1000 2000 12345") + seal_line("m 17");
  write(folder.path + "/facteur-uids", lines);
  List list(folder.path);
  auto locked = list.list.lock();
  REQUIRE(locked);
  CHECK(locked->next_modseq() == 2001);
  REQUIRE(locked->commit());
  CHECK(locked->next_modseq() == 2002);
  REQUIRE(locked->commit());
}

TEST_CASE("any operation that fails leaves the list as it was") {
  for (const bool for_ever : {false, true}) {
    for (int fault = 0; fault < 12; ++fault) {
      const Folder folder;
      FaultyFiles files;
      files.for_ever = for_ever;
      files.fail_at = fault;
      List faulty(folder.path, files);
      Uid told = 0;
      for (const char* base : {"a", "b", "c"}) {
        auto locked = faulty.list.lock();
        if (!locked || faulty.list.state().uid_of(base) != 0) continue;
        UidEntry entry;
        entry.base = base;
        const Uid uid = locked->assign(std::move(entry));
        if (!locked->commit()) continue;
        CHECK(uid > told);
        told = uid;
      }
      files.fail_at = -1;
      List healthy(folder.path);
      CHECK(healthy.assign("d") > told);
      CHECK(faulty.uid_of("d") == healthy.uid_of("d"));
      const Uid last = faulty.assign("e");
      CHECK(last == healthy.uid_of("e"));
    }
  }
}

TEST_CASE("a writer that is killed leaves a list that goes on, and no UID twice") {
  const Folder folder;
  std::set<std::string> seen;
  for (int round = 0; round < 15; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      List list(folder.path);
      for (int i = 0;; ++i) {
        auto locked = list.list.lock();
        if (!locked) ::_exit(1);
        UidEntry entry;
        entry.base = "r" + std::to_string(round) + "." + std::to_string(i);
        (void)locked->assign(std::move(entry));
        if (i % 3 == 0) locked->forget(static_cast<Uid>(i));
        if (!locked->commit()) ::_exit(1);
      }
    }
    pause_for(Milliseconds{5 + round * 2});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    List list(folder.path);
    const Uid uid = list.assign("check" + std::to_string(round));
    CHECK(list.list.state().damaged() == 0);
    CHECK(list.list.state().find(uid) != nullptr);
    CHECK(list.list.state().uid_next == uid + 1);
  }
}

TEST_CASE("UIDVALIDITY of another server is taken over once in an account") {
  const Folder folder;
  const Fd directory(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto take_over = [&](std::uint32_t foreign) {
    return *AccountLock::take(directory.get(), fs::system_files())->take_over(foreign);
  };
  const auto next = [&] { return *AccountLock::take(directory.get(), fs::system_files())->next_uid_validity(); };
  CHECK(take_over(77));
  CHECK_FALSE(take_over(77));
  const auto given = next();
  CHECK_FALSE(take_over(given));
  CHECK(take_over(given + 500));  // from a clock that was wrong
  CHECK(next() > given + 500);
  CHECK_FALSE(take_over(77));
  CHECK_FALSE(take_over(given + 500));
  // A line that was torn is passed over.
  write(folder.path + "/facteur-uidvalidity", "0000000005\n0000000077\n00000");
  CHECK_FALSE(take_over(77));
  CHECK(take_over(88));
  CHECK_FALSE(take_over(88));
  CHECK(next() > 88);
  write(folder.path + "/facteur-uidvalidity", "garbage");
  CHECK(take_over(99));
  CHECK_FALSE(take_over(99));
}

TEST_CASE(
    "a UIDVALIDITY that was handed over passes for no other server's, as long as there is room to write it down") {
  const Folder folder;
  const Fd directory(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto lock = [&] { return *AccountLock::take(directory.get(), fs::system_files()); };
  const auto first = *lock().next_uid_validity();
  const auto second = *lock().next_uid_validity();
  REQUIRE(lock().write_down(first));
  const auto text = read(folder.path + "/facteur-uidvalidity");
  REQUIRE(lock().write_down(first));
  CHECK(read(folder.path + "/facteur-uidvalidity") == text);
  CHECK_FALSE(*lock().take_over(first));
  CHECK_FALSE(*lock().take_over(second));
  CHECK(*lock().take_over(77));
  REQUIRE(lock().write_down(77));
  CHECK(*lock().next_uid_validity() > second);
  CHECK_FALSE(*lock().take_over(first));
  std::string full;
  for (std::uint32_t i = 0; i < 100'000; ++i) full += std::to_string(1'000'000'000 + i) + "\n";
  write(folder.path + "/facteur-uidvalidity", full);
  CHECK(lock().write_down(1'000'099'999));
  CHECK(lock().write_down(5).error().kind == Kind::permanent);
  CHECK_FALSE(*lock().take_over(5));
}

TEST_CASE("UIDVALIDITY rises within one second, and survives a hostile file") {
  const Folder folder;
  const Fd directory(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint32_t last = 0;
  for (int i = 0; i < 5; ++i) {
    auto lock = AccountLock::take(directory.get(), fs::system_files());
    REQUIRE(lock);
    const auto next = lock->next_uid_validity();
    REQUIRE(next);
    CHECK(*next > last);
    last = *next;
  }
  // Those of other servers: of the past, of the future, and with nothing above them.
  CHECK(AccountLock::take(directory.get(), fs::system_files())->next_uid_validity(1152643200) == last + 1);
  CHECK(*AccountLock::take(directory.get(), fs::system_files())->next_uid_validity(last + 100) > last + 100);
  std::filesystem::remove(folder.path + "/facteur-uidvalidity");
  const auto beside = AccountLock::take(directory.get(), fs::system_files())->next_uid_validity(0xffffffff);
  REQUIRE(beside);
  CHECK(*beside != 0);
  CHECK(*beside != 0xffffffff);
  write(folder.path + "/facteur-uidvalidity", "99999999999999 garbage");
  CHECK(*AccountLock::take(directory.get(), fs::system_files())->next_uid_validity() > 1000000);
}
