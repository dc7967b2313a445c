#include <algorithm>
#include <map>
#include <random>

#include "catch.h"
#include "queue/schedule/backlog.h"
#include "queue/schedule/scheduler.h"

using namespace facteur;
using namespace facteur::queue;
using namespace std::chrono_literals;

namespace {

const MonotonicTime start{};
const WallTime wall{std::chrono::microseconds(1'795'000'000'000'000)};

std::vector<std::uint32_t> numbers(std::uint32_t count) {
  std::vector<std::uint32_t> out(count);
  for (std::uint32_t i = 0; i < count; ++i) out[i] = i + 1;
  return out;
}

}  // namespace

TEST_CASE("retries start at the minimal wait, double with the age and end at the maximal one") {
  const RetryTimes times;
  CHECK(retry_delay(0s, times, 0) == 300s);
  CHECK(retry_delay(1000s, times, 0) == 1000s);
  CHECK(retry_delay(100000s, times, 0) == 4000s);
  CHECK(retry_delay(100000s, times, 1) == 4400s);
  CHECK(retry_delay(10s, {600s, 300s, 1h}, 0) == 600s);  // bounds in the wrong order
}

TEST_CASE("whatever the clock does, a message gets its tries (RES-05)") {
  const RetryTimes times;
  CHECK(age_of(wall, wall - 24h * 365) == 0s);
  CHECK_FALSE(is_too_old(wall, wall + 4 * 24h, times));
  CHECK(is_too_old(wall, wall + 5 * 24h, times));
  // The attempt began before the clock jumped ten years: the message has one more try.
  CHECK_FALSE(is_too_old(wall, wall + 1h, times));
  CHECK(is_too_old(wall, wall + 10 * 365 * 24h, times));
  CHECK(remaining_wait(wall + 100s, wall, times) == 100s);
  CHECK(remaining_wait(wall - 1s, wall, times) == 0s);
  CHECK(remaining_wait(wall + 365 * 24h, wall, times) == 0s);  // set back by a year
}

TEST_CASE("a window grows by one a round and shrinks by one a round; half successes keep it") {
  Window window(5, 20);
  for (int i = 0; i < 5; ++i) window.succeeded();
  CHECK(window.size() == 6);
  for (int i = 0; i < 10000; ++i) window.succeeded();
  CHECK(window.size() == 20);
  for (int i = 0; i < 19; ++i) CHECK_FALSE(window.failed());
  CHECK(window.size() == 20);
  CHECK(window.failed());
  CHECK(window.size() == 19);
  window.probe();
  CHECK(window.size() == 1);
  CHECK(window.failed());
  window.succeeded();
  CHECK(window.size() == 5);
  Window wavering(5, 20);
  for (int i = 0; i < 1000; ++i) {
    wavering.succeeded();
    CHECK_FALSE(wavering.failed());
  }
  CHECK(wavering.size() == 5);
}

TEST_CASE("no site has more attempts than its window, nor all sites together more than the limit") {
  Scheduler scheduler({.attempts = 12}, {});
  for (Scheduler::Key message = 0; message < 40; ++message) {
    scheduler.add(message, message % 2 == 0 ? "a" : "b", {1});
    scheduler.add(message, "c", {2});
  }
  std::map<std::string, int> begun;
  while (const auto batch = scheduler.next()) ++begun[batch->site];
  CHECK(begun == std::map<std::string, int>{{"a", 4}, {"b", 4}, {"c", 4}});
  CHECK(scheduler.attempts() == 12);
  CHECK(scheduler.reached("a").empty());
  CHECK(scheduler.next()->site != "");
  CHECK_FALSE(scheduler.next());
}

TEST_CASE("every recipient is given out once, and idle sites are forgotten") {
  Scheduler scheduler({.recipients_per_attempt = 50}, {});
  scheduler.add(1, "a", numbers(123));
  std::vector<std::uint32_t> seen;
  while (const auto batch = scheduler.next()) {
    CHECK(batch->numbers.size() <= 50);
    seen.insert(seen.end(), batch->numbers.begin(), batch->numbers.end());
  }
  CHECK(seen == numbers(123));
  for (int i = 0; i < 3; ++i) (void)scheduler.reached("a");
  CHECK(scheduler.sites() == 0);
}

TEST_CASE("small mail passes a big list, and the list still gets its share") {
  Scheduler scheduler({.initial_window = 1, .most_window = 1, .recipients_per_attempt = 10}, {});
  scheduler.add(1, "a", numbers(1000));
  REQUIRE(scheduler.next()->message == 1);
  int list_batches = 1, small_before_list = 0, longest = 0;
  for (Scheduler::Key message = 100; message < 400; ++message) {
    scheduler.add(message, "a", {1});
    (void)scheduler.reached("a");
    const auto batch = scheduler.next();
    REQUIRE(batch);
    if (batch->message == 1) {
      ++list_batches;
      small_before_list = 0;
    } else {
      longest = std::max(longest, ++small_before_list);
    }
  }
  CHECK(list_batches == 51);  // one of six
  CHECK(longest == 5);
}

TEST_CASE("a dead site costs one window of attempts, not one a message") {
  Scheduler scheduler({}, {});
  for (Scheduler::Key message = 0; message < 1000; ++message) scheduler.add(message, "a", {1});
  int attempts = 0;
  std::size_t given_up = 0;
  std::vector<std::string> running;
  while (const auto batch = scheduler.next()) running.push_back(batch->site);
  while (!running.empty()) {
    running.pop_back();
    ++attempts;
    given_up += scheduler.unreachable("a", "connection refused", start, wall, 0).size();
    while (const auto batch = scheduler.next()) running.push_back(batch->site);
  }
  CHECK(attempts < 25);
  CHECK(attempts + given_up == 1000);
  REQUIRE(scheduler.dead("a", start) != nullptr);
  CHECK(scheduler.dead("a", start)->reason == "connection refused");
}

TEST_CASE("a dead site is probed alone, waits longer each time, and one success releases what waits") {
  const RetryTimes times;
  Scheduler scheduler({.initial_window = 1}, times);
  auto now = start;
  Seconds last{0};
  for (int death = 1; death <= 8; ++death) {
    scheduler.add(1, "a", {1});
    scheduler.add(2, "a", {1});
    REQUIRE(scheduler.next());
    CHECK_FALSE(scheduler.next());  // one probe
    CHECK(scheduler.unreachable("a", "down", now, wall, 0).size() == 1);
    scheduler.wait_for("a", "message" + std::to_string(death));
    const auto* dead = scheduler.dead("a", now);
    REQUIRE(dead != nullptr);
    const auto wait = std::chrono::floor<Seconds>(dead->until - now);
    CHECK(wait >= last);
    CHECK(wait <= times.maximal_backoff_time);
    last = wait;
    now = dead->until;
    CHECK(scheduler.dead("a", now) == nullptr);
  }
  CHECK(last == times.maximal_backoff_time);
  scheduler.add(3, "a", {1});
  REQUIRE(scheduler.next());
  CHECK(scheduler.reached("a").size() == 8);
  CHECK(scheduler.sites() == 0);
}

TEST_CASE("a site that fails one message after the other is dead as well") {
  Scheduler scheduler({}, {});
  int attempts = 0;
  for (Scheduler::Key message = 0; message < 100 && scheduler.dead("a", start) == nullptr; ++message) {
    scheduler.add(message, "a", {1});
    REQUIRE(scheduler.next());
    ++attempts;
    (void)scheduler.unreachable("a", "refused", start, wall, 0);
  }
  CHECK(attempts == 5);
  scheduler.revive();
  scheduler.add(1000, "a", {1});
  REQUIRE(scheduler.next());
  (void)scheduler.reached("a");
  CHECK(scheduler.sites() == 0);
}

TEST_CASE("dead sites that nobody writes to are forgotten") {
  Scheduler scheduler({.initial_window = 1}, {});
  for (int i = 0; i < 100; ++i) {
    const auto site = "s" + std::to_string(i);
    scheduler.add(1, site, {1});
    REQUIRE(scheduler.next());
    (void)scheduler.unreachable(site, "down", start, wall, 0);
  }
  scheduler.sweep(start);
  CHECK(scheduler.sites() == 100);
  scheduler.sweep(start + 24h);
  CHECK(scheduler.sites() == 0);
}

TEST_CASE("the backlog gives messages in the order of their times, against a slow obvious one") {
  std::mt19937 random(7);
  Backlog backlog;
  std::map<std::string, MonotonicTime> oracle;
  for (int step = 0; step < 20000; ++step) {
    const std::string id = "m" + std::to_string(random() % 300);
    const auto due = start + Seconds(random() % 10000);
    switch (random() % 4) {
      case 0:
      case 1:
        backlog.put(id, due);
        oracle[id] = due;
        break;
      case 2: CHECK(backlog.erase(id) == (oracle.erase(id) > 0)); break;
      default: {
        const auto now = start + Seconds(random() % 3000);
        const auto first = std::ranges::min_element(oracle, {}, [](const auto& entry) { return entry.second; });
        const auto got = backlog.pop(now);
        REQUIRE(got.has_value() == (first != oracle.end() && first->second <= now));
        if (!got) break;
        CHECK(oracle.at(*got) == first->second);
        oracle.erase(*got);
      }
    }
    REQUIRE(backlog.size() == oracle.size());
  }
  backlog.flush(start);
  while (backlog.pop(start)) {
  }
  CHECK(backlog.size() == 0);
  CHECK_FALSE(backlog.next_due());
}

TEST_CASE("other limits hold from the next attempt on, at sites that are known too") {
  Scheduler scheduler({.attempts = 100, .initial_window = 5, .most_window = 20, .recipients_per_attempt = 50}, {});
  scheduler.add(1, "a", numbers(4));
  REQUIRE(scheduler.next()->numbers.size() == 4);
  scheduler.set_limits({.attempts = 100, .initial_window = 5, .most_window = 2, .recipients_per_attempt = 3}, {});
  CHECK(scheduler.window("a") == 2);
  scheduler.add(2, "a", numbers(4));
  CHECK(scheduler.next()->numbers.size() == 3);
  CHECK_FALSE(scheduler.next());  // the window is full
  for (int i = 0; i < 100; ++i) {
    (void)scheduler.reached("a");
    scheduler.add(3, "a", numbers(3));
    REQUIRE(scheduler.next());
  }
  CHECK(scheduler.window("a") == 2);
  scheduler.set_limits({.attempts = 100, .initial_window = 7, .most_window = 20, .recipients_per_attempt = 50}, {});
  (void)scheduler.reached("a");
  CHECK(scheduler.window("a") == 7);
}
