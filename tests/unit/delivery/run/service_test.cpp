#include "delivery/run/service.h"

#include <fcntl.h>
#include <optional>

#include "catch.h"
#include "fake.h"

using namespace facteur;
using namespace facteur::run;
namespace stdfs = std::filesystem;

namespace {

struct Unlisted {
  static constexpr std::uint16_t type = 9;
  std::uint8_t unused = 0;
  auto fields() { return std::tie(unused); }
};

/// local-run but its main, and the worker's end of its door.
struct House {
  Fake fake;
  loop::Loop loop;
  bool ended = false;
  Service service{loop, fake.mbox, fake.program, [this] { end(); }, {.refresh = Milliseconds{20}}};
  Fd worker;

  House() {
    auto pair = ipc::make_pair();
    REQUIRE(pair);
    worker = std::move(pair->second);
    service.serve(std::make_unique<ipc::Door>(loop, std::move(pair->first), "local"));
  }
  void end() {
    ended = true;
    loop.stop();
  }
  template <class M>
  void send(M message = {}) {
    auto packet = ipc::encode(std::move(message));
    REQUIRE(ipc::send_now(worker.get(), packet));
  }
  void run_for(Milliseconds time) {
    loop::Timer timer(loop);
    timer.start(time, [this] { loop.stop(); });
    loop.run();
  }
  template <class Answered>
  Answered heard() {
    run_for(Milliseconds{100});
    auto packet = ipc::receive_now(worker.get());
    REQUIRE(packet);
    const auto said = ipc::decode<Answered>(std::move(*packet));
    REQUIRE(said);
    return *said;
  }
  Outcome ask() {
    send<Lock>();
    return heard<Locked>().outcome;
  }
};

}  // namespace

TEST_CASE("a worker has its mbox locked and unlocked") {
  House house;
  CHECK(house.ask() == Outcome::taken);
  CHECK(house.fake.locked());
  CHECK(house.ask() == Outcome::held);
  house.send<Unlock>();
  (void)house.heard<Unlocked>();
  CHECK_FALSE(house.fake.locked());
  CHECK(house.ask() == Outcome::taken);
  CHECK_FALSE(house.ended);
}

TEST_CASE("the lock of a living worker never grows old") {
  House house;
  REQUIRE(house.ask() == Outcome::taken);
  const auto now = stdfs::file_time_type::clock::now();
  stdfs::last_write_time(house.fake.lock, now - std::chrono::seconds(400));
  house.run_for(Milliseconds{200});
  CHECK(now - stdfs::last_write_time(house.fake.lock) < std::chrono::seconds(5));
}

TEST_CASE("no lock outlives its worker, nor the end of local-run") {
  House house;
  REQUIRE(house.ask() == Outcome::taken);
  SECTION("the worker ends") {
    house.worker.reset();
    house.run_for(Milliseconds{5000});
    CHECK(house.ended);
  }
  SECTION("the worker ends with an answer under way") {
    house.send<Unlock>();
    house.send<Lock>();
    house.worker.reset();
    house.run_for(Milliseconds{5000});
    CHECK(house.ended);
  }
  SECTION("the program ends") {
    house.service.shut_down();
    CHECK_FALSE(house.ended);
  }
  CHECK_FALSE(house.fake.locked());
}

TEST_CASE("a worker that says what is not on the list loses its door and its lock") {
  House house;
  REQUIRE(house.ask() == Outcome::taken);
  SECTION("another message") {
    house.send<Unlisted>();
  }
  SECTION("its own answer") {
    house.send<Locked>();
  }
  SECTION("octets left over") {
    auto packet = ipc::encode(Unlock{});
    packet.octets += "/etc/passwd";
    REQUIRE(ipc::send_now(house.worker.get(), packet));
  }
  SECTION("a descriptor") {
    auto packet = ipc::encode(Unlock{});
    packet.descriptors.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    REQUIRE(ipc::send_now(house.worker.get(), packet));
  }
  SECTION("what it has not, given back") {
    house.send<Unlock>();
    house.send<Unlock>();
  }
  house.run_for(Milliseconds{5000});
  CHECK(house.ended);
  CHECK_FALSE(house.fake.locked());
}

TEST_CASE("there is one door in a life") {
  House house;
  auto pair = ipc::make_pair();
  REQUIRE(pair);
  house.service.serve(std::make_unique<ipc::Door>(house.loop, std::move(pair->first), "pop3d"));
  auto packet = ipc::encode(Lock{});
  CHECK(ipc::send_now(pair->second.get(), packet).error().kind == Kind::closed);
  CHECK(house.ask() == Outcome::taken);
}

TEST_CASE("a local-run whose worker never comes ends") {
  const Fake fake;
  loop::Loop loop;
  int ends = 0;
  Service service(loop, fake.mbox, fake.program,
                  [&] {
                    ++ends;
                    loop.stop();
                  },
                  {.worker = Milliseconds{20}});
  loop.run();
  CHECK(ends == 1);
}
