#include "common/store/uids/tombstones.h"

#include <array>

#include "catch.h"
#include "common/store/uids/state.h"

using namespace facteur;
using namespace facteur::store;

using Ranges = std::vector<UidRange>;

TEST_CASE("what went is told by ascending UID, neighbours together") {
  Tombstones stones;
  CHECK_FALSE(stones.after(0));
  CHECK_FALSE(stones.after(UINT64_MAX - 1));
  stones.add(5, 5);  // before it was started nothing is remembered
  stones.start(10);
  CHECK(stones.after(10) == Ranges{});
  CHECK_FALSE(stones.after(9));
  for (const Uid uid : {7, 8, 20}) stones.add(11, uid);
  for (const Uid uid : {3, 9}) stones.add(12, uid);
  CHECK(stones.all().size() == 4);
  CHECK(stones.after(10) == Ranges{{3, 3}, {7, 9}, {20, 20}});
  CHECK(stones.after(11) == Ranges{{3, 3}, {9, 9}});
  CHECK(stones.after(12) == Ranges{});
}

TEST_CASE("of very many the older half is forgotten, and known to be") {
  Tombstones stones;
  stones.start(1);
  for (Uid uid = 2; uid <= 2 * Tombstones::most + 2; uid += 2) stones.add(uid, uid);
  CHECK(stones.all().size() == Tombstones::most / 2 + 1);
  CHECK(stones.known_since() == Tombstones::most);
  CHECK_FALSE(stones.after(Tombstones::most - 1));
  CHECK(stones.after(Tombstones::most)->front() == UidRange{Tombstones::most + 2, Tombstones::most + 2});
  // All at one mod-sequence: the rest of them is of no use any more.
  stones.start(1);
  for (Uid uid = 2; uid <= 2 * Tombstones::most + 2; uid += 2) stones.add(2, uid);
  CHECK(stones.known_since() == 2);
  CHECK_FALSE(stones.after(1));
  CHECK(stones.after(2) == Ranges{});
  CHECK(stones.all().size() <= Tombstones::most);
}

TEST_CASE("what was kept elsewhere is taken if it can be true") {
  Tombstones stones;
  CHECK(stones.restore(4, {{5, {1, 2}}, {5, {7, 7}}, {9, {3, 3}}}));
  CHECK(stones.after(4) == Ranges{{1, 3}, {7, 7}});
  CHECK_FALSE(stones.restore(4, {{3, {1, 2}}}));
  CHECK_FALSE(stones.restore(4, {{6, {1, 2}}, {5, {7, 7}}}));
  CHECK_FALSE(stones.restore(4, {{5, {2, 1}}}));
  CHECK_FALSE(stones.restore(4, {{5, {0, 1}}}));
  CHECK_FALSE(stones.restore(4, std::vector<Tombstone>(Tombstones::most + 1, {5, {1, 1}})));
  CHECK(stones.after(4) == Ranges{{1, 3}, {7, 7}});
}

namespace {

UidState state_of(const std::string& lines) {
  UidState state;
  CHECK(state.apply(lines) == lines.size());
  return state;
}

std::string three_messages() {
  UidState state;
  state.uid_validity = 77;
  state.modseq = 10;
  for (const char* base : {"a", "b", "c"}) {
    UidEntry entry;
    entry.base = base;
    state.add(state.uid_next, std::move(entry));
  }
  return state.lines();
}

}  // namespace

TEST_CASE("a list tells of what went since it was written, and when") {
  const auto lines = three_messages();
  auto state =
      state_of(lines + modseq_line(11) + gone_line(2, 2) + modseq_line(12) + gone_line(1, 1) + gone_line(9, 9));
  CHECK(state.expunged_since(10) == Ranges{{1, 2}});
  CHECK(state.expunged_since(11) == Ranges{{1, 1}});
  CHECK(state.expunged_since(12) == Ranges{});
  CHECK(state.expunged_since(9) == Ranges{{1, 2}});  // all gaps

  // Written anew it begins again; what it lost is told of as all that is not there.
  auto anew = state_of(state.lines());
  CHECK(anew.expunged_since(12) == Ranges{});
  CHECK(anew.expunged_since(11) == Ranges{{1, 2}});

  // A damaged line may have been one of them.
  state = state_of(lines + modseq_line(11) + "x 2 2 00000000\n");
  REQUIRE(state.damaged() > 0);
  state.skip_damage();
  CHECK(state.expunged_since(11) != Ranges{});  // UIDs passed over
  CHECK(state.expunged_since(11).front().first == 4);
  CHECK(state.expunged_since(state.modseq) == Ranges{});
}

TEST_CASE("no message that is there is ever told as gone") {
  auto state = state_of(three_messages());
  state.renumber(78);
  CHECK(state.expunged_since(1) == Ranges{});
  CHECK(state.expunged_since(0) == Ranges{});
  UidState empty;
  CHECK(empty.expunged_since(0) == Ranges{});
}
