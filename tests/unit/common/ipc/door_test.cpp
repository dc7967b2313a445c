#include "common/ipc/door.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"

using namespace facteur;

namespace {

struct Inner {
  std::string name;
  std::optional<std::int64_t> number;
  auto fields() { return std::tie(name, number); }
};
struct Question {
  static constexpr std::uint16_t type = 7;
  std::uint64_t id = 0;
  bool last = false;
  std::vector<Inner> list;
  std::map<std::string, std::uint32_t> table;
  Fd content;
  auto fields() { return std::tie(id, last, list, table, content); }
};
struct Unlisted {
  static constexpr std::uint16_t type = 8;
  std::uint32_t value = 0;
  auto fields() { return std::tie(value); }
};

struct Ends {
  loop::Loop loop;
  std::pair<Fd, Fd> pair = *ipc::make_pair();
};

}  // namespace

TEST_CASE("a message arrives whole, with its descriptor") {
  Ends ends;
  ipc::Door a(ends.loop, std::move(ends.pair.first), "b");
  ipc::Door b(ends.loop, std::move(ends.pair.second), "a");
  std::optional<Question> got;
  b.on<Question>([&](Question question) {
    got = std::move(question);
    a.close("done");
    b.close("done");
  });
  a.open();
  b.open();
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const Fd reader(pipe[0]);
  CHECK(a.send(Question{42, true, {{"x", -5}, {"", {}}}, {{"k", 9}}, Fd(pipe[1])}));
  ends.loop.run();
  REQUIRE(got);
  CHECK(got->id == 42);
  CHECK(got->list.at(0).number == -5);
  CHECK_FALSE(got->list.at(1).number);
  CHECK(got->table.at("k") == 9);
  CHECK(::write(got->content.get(), "y", 1) == 1);
}

TEST_CASE("a message cut short or with octets left over is malformed, at every length") {
  const std::string whole = ipc::encode(Question{1, false, {{"abc", 1}}, {{"k", 2}}, Fd()}).octets;
  CHECK(ipc::decode<Question>({whole, {}}));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CHECK_FALSE(ipc::decode<Question>({whole.substr(0, cut), {}}));
  }
  CHECK_FALSE(ipc::decode<Question>({whole + "x", {}}));
  std::string lie = whole;
  lie[11] = lie[12] = '\xff';  // the count of the list
  CHECK_FALSE(ipc::decode<Question>({lie, {}}));
}

TEST_CASE("a message that is not on the list ends the door, not the process") {
  Ends ends;
  ipc::Door a(ends.loop, std::move(ends.pair.first), "b");
  ipc::Door b(ends.loop, std::move(ends.pair.second), "a");
  std::string why_a;
  std::string why_b;
  a.on_close([&](const std::string& why) { why_a = why; });
  b.on_close([&](const std::string& why) { why_b = why; });
  a.open();
  b.open();
  CHECK(a.send(Unlisted{1}));
  ends.loop.run();
  CHECK(why_b == "a message of unknown type 8");
  CHECK(why_a == "the peer is gone");
  CHECK_FALSE(a.send(Unlisted{1}));
}

TEST_CASE("more than the kernel holds waits in order, and the out-queue is bounded") {
  Ends ends;
  ipc::Door a(ends.loop, std::move(ends.pair.first), "b");
  ipc::Door b(ends.loop, std::move(ends.pair.second), "a");
  std::uint64_t next = 0;
  bool in_order = true;
  std::uint64_t sent = 0;
  b.on<Question>([&](const Question& question) {
    in_order = in_order && question.id == next;
    if (++next == sent) {
      a.close("done");
      b.close("done");
    }
  });
  a.open();
  while (sent < 100000 && a.send(Question{sent, false, {}, {{std::string(100, 'k'), 1}}, Fd()})) ++sent;
  CHECK(a.queued() == ipc::Door::max_queued);
  b.open();
  ends.loop.run();
  CHECK(in_order);
  CHECK(next == sent);
}

TEST_CASE("an answer that cannot be sent ends the door, told from the loop") {
  Ends ends;
  ipc::Door a(ends.loop, std::move(ends.pair.first), "b");
  ipc::Door b(ends.loop, std::move(ends.pair.second), "a");
  a.open();
  while (a.send(Question{1, false, {}, {{std::string(100, 'k'), 1}}, Fd()})) {
  }
  std::vector<std::string> seen;
  a.on_loss([&] { seen.push_back("loss"); });
  a.on_close([&](const std::string&) { seen.push_back("close"); });
  a.send_or_close(Question{2, false, {}, {}, Fd()});
  CHECK(seen.empty());  // not from inside the sender's call
  bool b_closed = false;
  b.on<Question>([](const Question&) {});
  b.on_close([&](const std::string&) { b_closed = true; });
  b.open();
  ends.loop.run();
  CHECK(seen == std::vector<std::string>{"loss", "close"});
  CHECK(b_closed);
}
