#include "auth/password.h"
#include "auth/throttle.h"
#include "auth/tickets.h"
#include "auth/user_name.h"
#include "auth/verified.h"
#include "catch.h"
#include "common/base/encode.h"
#include "common/tls/hmac.h"

using namespace facteur;
using namespace facteur::auth;

namespace {
const MonotonicTime start = monotonic_now();
const auto ip = [](const char* text) { return *net::Ip::parse(text); };
}  // namespace

TEST_CASE("AUT-06: names that could mean anything to a backend are none") {
  const std::string bad[] = {"",
                             "../../x",
                             std::string("a\0b", 3),
                             "a\nb",
                             "a/b",
                             "%n",
                             "*",
                             ")(uid=*",
                             "' OR 1=1 --",
                             "user*master",
                             "a\xff"
                             "b",
                             "\xc3\xa9t\xc3\xa9",
                             "root",
                             "ROOT@x.y",
                             ".a",
                             "-rf",
                             "a@",
                             "@a",
                             "a@b@c",
                             "a b",
                             "a\\b",
                             "a:b",
                             "a@../..",
                             "a@b/c",
                             "|x",
                             "a;b",
                             "a\"b",
                             "a@-b.c",
                             "+x",
                             std::string(65536, 'a')};
  for (const auto& name : bad) {
    CAPTURE(name.substr(0, 40));
    CHECK_FALSE(canonical_name(name));
  }
  CHECK(canonical_name("Alice") == "alice");
  CHECK(canonical_name("Jean-Paul.O_1+x@Minfo.SN") == "jean-paul.o_1+x@minfo.sn");
  CHECK(canonical_name("rooty"));
}

TEST_CASE("Hashes of common kinds are verified, and nothing else is a hash") {
  const auto own = hash_password("s\xc3\xa9same 1");
  REQUIRE(own);
  CHECK(own->starts_with("$y$"));
  CHECK(verify_password("s\xc3\xa9same 1", *own));
  CHECK_FALSE(verify_password("sesame 1", *own));
  CHECK_FALSE(verify_password("", *own));
  CHECK_FALSE(verify_password(std::string("s\xc3\xa9same 1\0x", 11), *own));
  CHECK(*hash_password("s\xc3\xa9same 1") != *own);
  // By another implementation: openssl passwd -6 -salt saltstring.
  const char* sha =
      "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
  CHECK(verify_password("Hello world!", sha));
  CHECK_FALSE(verify_password("Hello world", sha));
  CHECK(is_hash(sha));
  CHECK(is_hash("*"));
  CHECK(is_hash("!" + *own));
  for (const char* locked : {"*", "!", "", "x"}) CHECK_FALSE(verify_password("x", locked));
  CHECK_FALSE(verify_password("s\xc3\xa9same 1", "!" + *own));
  for (const char* none : {"", "secret", "$", "$nope$x", "ab01FAX.bQRSU", "{PLAIN}x"}) {
    CAPTURE(none);
    CHECK_FALSE(is_hash(none));
  }
  CHECK_FALSE(hash_password(""));
  CHECK_FALSE(hash_password(std::string(512, 'x')));
  const std::string longest(max_password, 'x');
  CHECK(verify_password(longest, *hash_password(longest)));
  CHECK_FALSE(verify_password(longest.substr(1), *hash_password(longest)));
  CHECK(is_hash(dummy_hash()));
}

TEST_CASE("HMAC-SHA-256 as RFC 4231 section 4.3 has it") {
  CHECK(hex_encode(tls::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("AUT-11: a remembered login is that user's, that record's and that password's alone, for its time") {
  Verified verified(Seconds{300});
  const auto key = verified.key("a@x.y", "hash1", "secret");
  CHECK_FALSE(verified.has(key, start));
  verified.remember(key, start);
  CHECK(verified.has(key, start + Seconds{299}));
  CHECK_FALSE(verified.has(key, start + Seconds{300}));
  for (const auto& other : {verified.key("b@x.y", "hash1", "secret"), verified.key("a@x.y", "hash2", "secret"),
                            verified.key("a@x.y", "hash1", "secret2"), verified.key("a@x.yh", "ash1", "secret")}) {
    CHECK_FALSE(verified.has(other, start));
  }
  for (std::size_t i = 0; i < Verified::max_entries + 5; ++i) verified.remember(std::to_string(i), start);
  CHECK(verified.size() <= Verified::max_entries);
  Verified off(Seconds{0});
  off.remember(key, start);
  CHECK_FALSE(off.has(key, start));
}

TEST_CASE("AUT-08: failures of one address slow it down, others are free") {
  Throttle throttle({Milliseconds{2000}, Milliseconds{15000}, 12, Seconds{600}});
  const auto bad = ip("192.0.2.1");
  std::vector<long> delays;
  for (int i = 0; i < 20; ++i) delays.push_back(throttle.failed(bad, start).count());
  CHECK(delays[0] == 2000);
  CHECK(delays[4] == 2000);
  CHECK(delays[5] == 4000);
  CHECK(delays[10] == 8000);
  CHECK(delays[19] == 15000);
  // Over the limit: one at a time, however many connections there are.
  constexpr Seconds most{40};
  CHECK(throttle.turn(bad, start, most) == Seconds{15});
  CHECK(throttle.turn(bad, start, most) == Seconds{30});
  // Who is refused a turn takes none: the next one comes as soon as there is room.
  for (int i = 0; i < 100; ++i) CHECK_FALSE(throttle.turn(bad, start, most));
  CHECK(throttle.turn(bad, start + Seconds{10}, most) == Seconds{35});
  CHECK(throttle.turn(bad, start + Seconds{100}, most) == Seconds{15});
  CHECK(throttle.turn(ip("192.0.2.2"), start, most) == Seconds{0});
  // It is forgotten after the window.
  CHECK(throttle.turn(bad, start + Seconds{601}, most) == Seconds{0});
  CHECK(throttle.failed(bad, start + Seconds{601}).count() == 2000);
}

TEST_CASE("Throttle counts a /64 of IPv6 as one client, and stays bounded") {
  Throttle throttle({Milliseconds{100}, Milliseconds{1000}, 2, Seconds{600}});
  (void)throttle.failed(ip("2001:db8::1"), start);
  (void)throttle.failed(ip("2001:db8::2"), start);
  CHECK(throttle.turn(ip("2001:db8::3"), start, Seconds{600}) > Seconds{0});
  CHECK(throttle.turn(ip("2001:db8:0:1::3"), start, Seconds{600}) == Seconds{0});
  for (std::uint32_t i = 0; i < Throttle::max_clients + 10; ++i) {
    const char octets[4] = {10, static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i)};
    (void)throttle.failed(*net::Ip::from_octets({octets, 4}), start);
  }
  CHECK(throttle.size() <= Throttle::max_clients);
  CHECK(throttle.turn(ip("2001:db8::3"), start, Seconds{600}) > Seconds{0});
}

TEST_CASE("A ticket is good once, for 30 s, for the one who earned it") {
  Tickets tickets;
  const Tickets::Bond bond{Service::imap, 7, "192.0.2.1"};
  const auto ticket = tickets.issue(bond, "a@x.y", start);
  REQUIRE(ticket);
  CHECK(ticket->size() == 16);
  CHECK(tickets.redeem(*ticket, bond, start) == "a@x.y");
  CHECK_FALSE(tickets.redeem(*ticket, bond, start));
  for (const auto& other : {Tickets::Bond{Service::pop3, 7, "192.0.2.1"}, Tickets::Bond{Service::imap, 8, "192.0.2.1"},
                            Tickets::Bond{Service::imap, 7, "192.0.2.2"}}) {
    const auto next = tickets.issue(bond, "a@x.y", start);
    CHECK_FALSE(tickets.redeem(*next, other, start));
    CHECK_FALSE(tickets.redeem(*next, bond, start));  // a wrong try spends it
  }
  const auto late = tickets.issue(bond, "a@x.y", start);
  CHECK_FALSE(tickets.redeem(*late, bond, start + Tickets::lifetime));
  const auto gone = tickets.issue(bond, "a@x.y", start);
  tickets.forget(7);
  CHECK_FALSE(tickets.redeem(*gone, bond, start));
  CHECK_FALSE(tickets.redeem("", bond, start));
  for (std::size_t i = 0; i < Tickets::max_open; ++i) REQUIRE(tickets.issue(bond, "a@x.y", start));
  CHECK_FALSE(tickets.issue(bond, "a@x.y", start));
  CHECK(tickets.issue(bond, "a@x.y", start + Tickets::lifetime));
}
