// Dotlocks that another process takes for us, in a folder where we may make no file.
#include <deque>
#include <sys/file.h>

#include "mbox_house.h"

using namespace facteur;
using namespace facteur::store;

namespace {

using Outcome = DotlockKeeper::Outcome;

/// As /var/mail is: what is there is seen, nothing can be made or removed.
struct MailFolder : fs::Files {
  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    if (!path.ends_with("mbox.lock")) return Files::open(directory, path, flags, mode);
    return fail_errno("open " + path, (flags & O_EXCL) != 0 && std::filesystem::exists(path) ? EEXIST : EACCES);
  }
  Result<> unlink(int directory, const std::string& path) override {
    return path.ends_with("mbox.lock") ? fail_errno("unlink " + path, EACCES) : Files::unlink(directory, path);
  }
};

/// Answers as it was told, and `usual` from then on. Counts what was asked, and what was not given back.
struct Keeper : DotlockKeeper {
  std::deque<Outcome> answers;
  Outcome usual = Outcome::taken;
  bool fails = false;
  int asked = 0;
  int out = 0;
  std::string mbox;
  std::function<void()> on_take = [] {};

  Result<Answer> take(const std::string& path, Milliseconds most) override {
    ++asked;
    mbox = path;
    CHECK(most > Milliseconds{0});
    on_take();
    if (fails) return fail(Kind::timeout, "the keeper does not answer");
    const auto outcome = answers.empty() ? usual : answers.front();
    if (!answers.empty()) answers.pop_front();
    if (outcome != Outcome::taken) return Answer{outcome, nullptr};
    ++out;
    return Answer{outcome, std::shared_ptr<void>(this, [](void* keeper) { --static_cast<Keeper*>(keeper)->out; })};
  }
};

struct House {
  Folder folder;
  std::string path = folder.path + "/mbox";
  MailFolder files;
  std::shared_ptr<Keeper> keeper = std::make_shared<Keeper>();
  MboxLockOptions options = waiting(Milliseconds{40});

  House() {
    deliver(path, "A: 1\r\n\r\n");
    options.keeper = keeper;
  }
  Result<LockedMbox> open() { return LockedMbox::open(path, false, options, files); }
  /// Whether another program could take the fcntl lock now.
  [[nodiscard]] bool fcntl_is_free() const {
    const Fd other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    return FileLock::take(other.get(), Milliseconds{0}, "mbox").has_value();
  }
};

}  // namespace

TEST_CASE("MBX-08: who may make no dotlock has it taken by its keeper, and given back") {
  House house;
  {
    auto locked = house.open();
    REQUIRE(locked);
    CHECK(house.keeper->mbox == house.path);
    CHECK(house.keeper->out == 1);
    const LockedMbox moved = std::move(*locked);
    CHECK(house.keeper->out == 1);
    CHECK_FALSE(house.fcntl_is_free());
  }
  CHECK(house.keeper->asked == 1);
  CHECK(house.keeper->out == 0);
  CHECK(house.fcntl_is_free());
  // In a folder of ours nobody is asked.
  REQUIRE(LockedMbox::open(house.path, false, house.options, fs::system_files()));
  CHECK(house.keeper->asked == 1);
}

TEST_CASE("MBX-09: what the keeper finds locked is waited for with a bound") {
  House house;
  house.keeper->answers = {Outcome::held, Outcome::held};
  CHECK(house.open());
  CHECK(house.keeper->asked == 3);
  house.keeper->usual = Outcome::held;
  const auto locked = house.open();
  REQUIRE_FALSE(locked);
  CHECK(locked.error().kind == Kind::timeout);
  CHECK(locked.error().text.ends_with("is locked by another program"));
  CHECK(house.fcntl_is_free());
}

TEST_CASE("a keeper that has none, and one that fails") {
  House house;
  house.keeper->usual = Outcome::none;
  CHECK(house.open());
  CHECK(house.keeper->asked == 1);
  // Then a lock of another program is still seen.
  write(house.path + ".lock", "1\n");
  CHECK(house.open().error().kind == Kind::timeout);
  house.keeper->fails = true;
  const auto failed = house.open();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().text == "the keeper does not answer");
  CHECK(house.fcntl_is_free());
}

TEST_CASE("MBX-07: a keeper is asked in the order of the locks") {
  House house;
  bool was_free = false;
  house.keeper->on_take = [&] { was_free = house.fcntl_is_free(); };
  CHECK(house.open());
  CHECK_FALSE(was_free);
  house.options.order = MboxLockOrder::dotlock_then_fcntl;
  CHECK(house.open());
  CHECK(was_free);
  // The second is not waited for while the first is held.
  const Fd other(::open(house.path.c_str(), O_RDWR | O_CLOEXEC));
  auto held = FileLock::take(other.get(), Milliseconds{0}, "mbox");
  REQUIRE(held);
  int most_out = 0;
  house.keeper->on_take = [&] { most_out = std::max(most_out, house.keeper->out); };
  CHECK(house.open().error().kind == Kind::timeout);
  CHECK(house.keeper->asked > 3);
  CHECK(most_out == 0);
  CHECK(house.keeper->out == 0);
  house.keeper->on_take = [] {};
  held->release();
  CHECK(house.open());
}

TEST_CASE("a session asks its keeper to change an mbox, and to read one only when that is locked") {
  House house;
  const auto account = MboxAccount::open_file(house.path, house.folder.path + "/state",
                                              {.files = &house.files, .lock = house.options, .index = nullptr});
  REQUIRE(account);
  const auto inbox = open_in(**account, "INBOX");
  REQUIRE(now(*inbox)->records.size() == 1);
  const Uid uid = now(*inbox)->records.front().uid;
  CHECK(content_of(*inbox, uid) == "Return-Path: <s@x>\r\nA: 1\r\n\r\n");
  CHECK(house.keeper->asked == 0);

  REQUIRE(inbox->change_flags(std::vector<Uid>{uid}, FlagChange::add, seen, {}));
  CHECK(house.keeper->asked == 1);
  REQUIRE(inbox->expunge(std::vector<Uid>{uid}));
  CHECK(house.keeper->asked == 2);

  // The lock of another, or one that a dead process left: the keeper can tell.
  write(house.path + ".lock", "99999999\n");
  house.keeper->usual = Outcome::held;
  CHECK(inbox->snapshot().error().kind == Kind::timeout);
  house.keeper->usual = Outcome::taken;
  CHECK(inbox->snapshot());
  CHECK(house.keeper->out == 0);
}

TEST_CASE("MBX-08: a stale dotlock that nobody can remove is as good as none") {
  House house;
  house.options.keeper = nullptr;
  write(house.path + ".lock", "0\n");
  CHECK(house.open().error().kind == Kind::timeout);
  set_age(house.path + ".lock", 121);
  set_age(house.path, 121);
  CHECK(house.open());
}
