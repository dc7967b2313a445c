#include "common/base/in_hand.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "catch.h"

using namespace facteur;

namespace {

/// What a child that crashed while it ran `act` had in hand.
template <class Act>
std::vector<std::string> noted_by_child(Act act) {
  const auto notes = make_notes();
  REQUIRE(notes);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!note_in(*notes)) ::_exit(1);
    act();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  return read_notes(*notes);
}

}  // namespace

TEST_CASE("what a process had in hand when it ended is read from outside") {
  CHECK(noted_by_child([] {
          const InHand message("4bXyZ");
          ::_exit(0);
        }) == std::vector<std::string>{"4bXyZ"});
  CHECK(noted_by_child([] { const InHand message("4bXyZ"); }).empty());
}

TEST_CASE("an inner note hides the outer one until it ends") {
  CHECK(noted_by_child([] {
          const InHand outer("outer-which-is-longer");
          {
            const InHand inner("inner");
          }
          ::_exit(0);
        }) == std::vector<std::string>{"outer-which-is-longer"});
  CHECK(noted_by_child([] {
          const InHand outer("outer");
          const InHand inner("inner");
          ::_exit(0);
        }) == std::vector<std::string>{"inner"});
}

TEST_CASE("every thread has its own note, and the same name counts once") {
  const auto names = noted_by_child([] {
    const InHand own("b");
    std::thread([] {
      const InHand other("a");
      std::thread([] {
        const InHand same("b");
        ::_exit(0);
      }).join();
    }).join();
  });
  CHECK(names == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a name that is too long is not noted, and the notes of a liar are bounded") {
  CHECK(noted_by_child([] {
          const InHand message(std::string(InHand::longest_name + 1, 'x'));
          ::_exit(0);
        }).empty());
  const auto notes = make_notes();
  REQUIRE(notes);
  const std::string lies(1 << 16, '\xff');
  CHECK(::pwrite(notes->get(), lies.data(), lies.size(), 0) <= 1 << 16);
  CHECK(read_notes(*notes).empty());  // not printable
  const std::string long_names(1 << 16, 'y');
  CHECK(::pwrite(notes->get(), long_names.data(), long_names.size(), 0) > 0);
  CHECK(read_notes(*notes) == std::vector{std::string(std::size_t{'y'}, 'y')});
  CHECK(::ftruncate(notes->get(), 0) < 0);
}
