#include "common/store/mailbox.h"

#include "catch.h"
#include "common/store/content.h"
#include "common/store/flags.h"
#include "common/store/mailbox_name.h"

using namespace facteur;
using namespace facteur::store;

namespace {

Snapshot with(std::initializer_list<Uid> uids) {
  Snapshot snapshot;
  for (const Uid uid : uids) snapshot.records.emplace_back().uid = uid;
  return snapshot;
}

}  // namespace

TEST_CASE("diff tells what went, what changed and what came") {
  const Snapshot before = with({1, 3, 5, 9});
  Snapshot after = with({3, 9, 10, 12});
  after.records[1].flags.system = seen;
  const auto changes = diff(before, after);
  CHECK(changes.expunged == std::vector<std::uint32_t>{3, 1});
  CHECK(changes.flags == std::vector<std::uint32_t>{2});
  CHECK(changes.added == 2);
  CHECK(diff(after, after).added == 0);
  CHECK(diff(with({}), after).added == 4);
  CHECK(diff(after, with({})).expunged == std::vector<std::uint32_t>{4, 3, 2, 1});
}

TEST_CASE("line ends become CRLF or LF, and a lone CR stays") {
  CHECK(to_crlf("a\nb\r\nc\rd\n\n") == "a\r\nb\r\nc\rd\r\n\r\n");
  CHECK(crlf_size("a\nb\r\nc\rd\n\n") == 13);
  CHECK(to_crlf("\nb", true) == "\nb");
  CHECK(to_crlf("\nb", false) == "\r\nb");
  CHECK(to_lf("a\nb\r\nc\rd\r\r\n\n") == "a\nb\nc\rd\r\n\n");
  CHECK(to_crlf("").empty());
}

TEST_CASE("keywords are told apart from what is none, in any case, up to 64") {
  std::vector<std::string> table;
  CHECK(*add_keywords(table, {"a", "B", "A"}) == 3);
  CHECK(table == std::vector<std::string>{"a", "B"});
  for (const char* bad : {"", "a b", "a\\b", "\"", "x\x80", "(", "a\n"}) CHECK_FALSE(add_keywords(table, {"new", bad}));
  CHECK(table.size() == 2);
  CHECK_FALSE(add_keywords(table, {std::string(201, 'k')}));
  for (int i = 2; i < 64; ++i) REQUIRE(add_keywords(table, {"k" + std::to_string(i)}));
  CHECK_FALSE(add_keywords(table, {"one more"}));
  CHECK(*add_keywords(table, {"k63"}) == std::uint64_t{1} << 63);
  CHECK(keyword_names(table, 3) == std::vector<std::string>{"a", "B"});
}

TEST_CASE("the inbox has one name") {
  CHECK(*canonical_name("iNbOx") == "INBOX");
  CHECK(*canonical_name("inbox/sub") == "INBOX/sub");
  CHECK(*canonical_name("inboxes") == "inboxes");
  CHECK(canonical_name("new/x").error().kind == Kind::permanent);
  CHECK(*canonical_name("news") == "news");
}
