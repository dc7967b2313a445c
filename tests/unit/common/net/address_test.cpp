#include "common/net/address.h"

#include "catch.h"

using namespace facteur;
using net::Cidr;
using net::Endpoint;
using net::Ip;

TEST_CASE("one host has one spelling") {
  CHECK(Ip::parse("::ffff:192.168.10.1") == Ip::parse("192.168.10.1"));
  CHECK(Ip::parse("2001:DB8:0:0::1")->to_string() == "2001:db8::1");
  CHECK(Ip::parse("2001:db8::1")->to_literal() == "[IPv6:2001:db8::1]");
  CHECK(Ip::parse("192.168.10.1")->to_reverse_name() == "1.10.168.192.in-addr.arpa");
  CHECK(Ip::parse("::1")->to_reverse_name() ==
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa");
  for (const char* bad :
       {"", "127.1", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "[::1]", "::1%lo", "0x7f.1.1.1", "01.2.3.4"}) {
    CAPTURE(bad);
    CHECK_FALSE(Ip::parse(bad));
  }
  CHECK_FALSE(Ip::parse(std::string_view("127.0.0.1\0x", 11)));
}

TEST_CASE("endpoints survive the socket address") {
  for (const char* text : {"10.9.0.53:53", "[2001:db8::1]:5353"}) {
    const auto endpoint = Endpoint::parse(text, 1);
    REQUIRE(endpoint);
    sockaddr_storage address{};
    CHECK(endpoint->to_sockaddr(address) > 0);
    CHECK(Endpoint::from_sockaddr(address)->to_string() == text);
  }
  CHECK(Endpoint::parse("::1", 53)->to_string() == "[::1]:53");
  CHECK(Endpoint::parse("[::1]", 53)->to_string() == "[::1]:53");
  for (const char* bad : {"", "10.0.0.1:", "10.0.0.1:65536", "[::1", "[::1]53", "host:53", ":53"}) {
    CAPTURE(bad);
    CHECK_FALSE(Endpoint::parse(bad, 53));
  }
}

TEST_CASE("blocks contain what they should") {
  const auto lan = Cidr::parse("192.168.10.0/24");
  REQUIRE(lan);
  CHECK(lan->contains(*Ip::parse("192.168.10.255")));
  CHECK(lan->contains(*Ip::parse("::ffff:192.168.10.7")));
  CHECK_FALSE(lan->contains(*Ip::parse("192.168.11.0")));
  CHECK_FALSE(lan->contains(*Ip::parse("::1")));
  CHECK(Cidr::parse("0.0.0.0/0")->contains(*Ip::parse("8.8.8.8")));
  CHECK(Cidr::parse("[2001:db8::]/33")->contains(*Ip::parse("2001:db8:7fff::1")));
  CHECK_FALSE(Cidr::parse("2001:db8::/33")->contains(*Ip::parse("2001:db8:8000::1")));
  CHECK(Cidr::parse("10.1.2.3")->contains(*Ip::parse("10.1.2.3")));
  for (const char* bad : {"192.168.10.1/24", "1.2.3.4/33", "1.2.3.4/", "/8", "::1/129", "1.2.3.4/-1"}) {
    CAPTURE(bad);
    CHECK_FALSE(Cidr::parse(bad));
  }
}
