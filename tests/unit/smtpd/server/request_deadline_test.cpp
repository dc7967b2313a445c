// CMD-27: a client that sends one octet before each timeout is still sent away.
#include "smtpd/server/request_deadline.h"

#include <catch.h>

using namespace facteur;
using namespace facteur::smtpd;

TEST_CASE("a line that comes octet by octet does not extend its time") {
  Limits limits;
  RequestDeadline deadline(limits);
  const MonotonicTime start{Seconds{1000}};
  const auto end = deadline.update({true, 1, 0}, start);
  CHECK(end == start + limits.timeout);
  CHECK(deadline.update({true, 1, 0}, start + Seconds{299}) == end);
  CHECK(deadline.update({true, 2, 0}, start + Seconds{299}) == start + Seconds{299} + limits.timeout);
}

TEST_CASE("content is worth its octets, up to the whole time") {
  Limits limits;
  RequestDeadline deadline(limits);
  const MonotonicTime start{Seconds{1000}};
  const auto end = deadline.update({true, 1, 0}, start);
  CHECK(deadline.update({true, 1, 500}, start + Seconds{100}) == end + Seconds{1});
  CHECK(deadline.update({true, 1, 10'000'000}, start + Seconds{100}) == start + Seconds{100} + limits.timeout);
}

TEST_CASE("while we wait for ourselves the client's time does not run") {
  Limits limits;
  RequestDeadline deadline(limits);
  const MonotonicTime start{Seconds{1000}};
  (void)deadline.update({true, 1, 0}, start);
  CHECK(deadline.update({false, 1, 0}, start + Seconds{10}) == start + Seconds{10} + RequestDeadline::own_limit);
  CHECK(deadline.update({true, 2, 0}, start + Seconds{20}) == start + Seconds{20} + limits.timeout);
}
