// Messages with two files: what is done to one is done to twins with the same octets, and never to mail that nobody
// saw.
#include "maildir_house.h"

using namespace facteur;
using namespace facteur::store;

namespace stdfs = std::filesystem;

namespace {

/// Files of which one cannot be read, as on a damaged disk.
struct Unreadable : UnsyncedFiles {
  std::string name;
  Result<Fd> open(int directory, const std::string& path, int flags, mode_t mode) override {
    if (!name.empty() && path.ends_with(name)) return fail_errno("open", EIO);
    return UnsyncedFiles::open(directory, path, flags, mode);
  }
};

/// A mailbox of two messages; the first of them has a second file.
struct Twins {
  explicit Twins(const std::string& part) {
    REQUIRE(seen_by(*inbox).size() == 2);
    const auto name = files_in(folder.path + "/cur")[0];
    file = folder.path + "/cur/" + name;
    twin = folder.path + part + name.substr(0, name.find(':')) + ":2,F";
  }
  [[nodiscard]] std::size_t files() const {
    return files_in(folder.path + "/cur").size() + files_in(folder.path + "/new").size();
  }

  Folder folder;
  Unreadable calls;
  std::unique_ptr<Account> account = account_at(folder.path, calls);
  std::unique_ptr<Mailbox> inbox = open_in(*account, "INBOX");
  Uid uid = add(*inbox, suite_mail);
  Uid other = add(*inbox, suite_mail);
  std::string file;
  std::string twin;
};

/// A mail that differs from suite_mail in its last line alone.
std::string other_mail(const std::string& file) {
  auto text = read(file);
  text[text.size() - 2] ^= 1;
  return text;
}

}  // namespace

TEST_CASE("a message that has two files goes with both") {
  Twins house(GENERATE("/cur/", "/new/"));
  stdfs::copy_file(house.file, house.twin);
  REQUIRE(seen_by(*house.inbox).size() == 2);
  REQUIRE(house.inbox->expunge({&house.uid, 1}));
  CHECK(house.files() == 1);
  const auto now = seen_by(*house.inbox);
  REQUIRE(now.size() == 1);
  CHECK(now[0].first == house.other);
}

TEST_CASE("a second file with other octets is mail that nobody has seen: it outlives the message") {
  Twins house(GENERATE("/cur/", "/new/"));
  write(house.twin, other_mail(house.file));
  REQUIRE(seen_by(*house.inbox).size() == 2);
  REQUIRE(house.inbox->expunge({&house.uid, 1}));
  CHECK(house.files() == 2);
  const auto now = seen_by(*house.inbox);
  REQUIRE(now.size() == 2);
  CHECK(now[0].first == house.other);
  CHECK(now[1].first > house.other);
  // Which of them was shown is the mailbox's choice.
  CHECK(stdfs::exists(house.file) + stdfs::exists(house.twin) == 1);
}

TEST_CASE("flags of a message with two files") {
  Twins house("/cur/");
  const auto set = [&](std::uint8_t flags) {
    return house.inbox->change_flags({&house.uid, 1}, FlagChange::replace, flags, {});
  };
  SECTION("the same file under two names gets the flags it is given") {
    stdfs::create_hard_link(house.file, house.twin);
    REQUIRE(seen_by(*house.inbox).size() == 2);
    REQUIRE(set(flagged));
    CHECK(seen_by(*house.inbox)[0].second == flagged);
    REQUIRE(set(0));
    CHECK(seen_by(*house.inbox)[0].second == 0);
    CHECK(house.files() == 2);
  }
  SECTION("a copy") {
    stdfs::copy_file(house.file, house.twin);
    REQUIRE(seen_by(*house.inbox).size() == 2);
    REQUIRE(set(0));
    CHECK(seen_by(*house.inbox)[0].second == 0);
    CHECK(seen_by(*house.inbox).size() == 2);
  }
  SECTION("one with other octets is not renamed over") {
    const auto mail = read(house.file);
    const auto different = other_mail(house.file);
    write(house.twin, different);
    REQUIRE(seen_by(*house.inbox).size() == 2);
    const bool twin_is_shown = seen_by(*house.inbox)[0].second == flagged;
    const auto done = set(twin_is_shown ? 0 : flagged);
    CHECK_FALSE(done);
    CHECK(read(house.file) == mail);
    CHECK(read(house.twin) == different);
  }
}

TEST_CASE("a second file that cannot be read may be mail: it is not renamed over, and EXPUNGE leaves both") {
  Twins house("/cur/");
  const auto mail = read(house.file);
  const auto different = other_mail(house.file);
  write(house.twin, different);
  const bool twin_is_shown = seen_by(*house.inbox)[0].second == flagged;
  house.calls.name = stdfs::path(twin_is_shown ? house.file : house.twin).filename();
  CHECK_FALSE(house.inbox->change_flags({&house.uid, 1}, FlagChange::replace, twin_is_shown ? 0 : flagged, {}));
  CHECK_FALSE(house.inbox->expunge({&house.uid, 1}).value_or(std::vector<Uid>()).size() > 0);
  CHECK(read(house.file) == mail);
  CHECK(read(house.twin) == different);
}
