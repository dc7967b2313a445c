// Which addresses are this host's, as inet_interfaces says.
#include "config/own_addresses.h"

#include <algorithm>
#include <catch.h>

using namespace facteur;

namespace {

std::vector<net::Ip> of(std::vector<std::string> interfaces) {
  config::Settings settings;
  settings.inet_interfaces = std::move(interfaces);
  return config::own_addresses(settings);
}

}  // namespace

TEST_CASE("our addresses are those of inet_interfaces") {
  CHECK(of({"loopback-only"}) == std::vector<net::Ip>{*net::Ip::parse("127.0.0.1"), *net::Ip::parse("::1")});
  CHECK(of({"192.0.2.1", "2001:db8::1"}) ==
        std::vector<net::Ip>{*net::Ip::parse("192.0.2.1"), *net::Ip::parse("2001:db8::1")});
  const auto all = of({"all"});
  CHECK(std::ranges::find(all, *net::Ip::parse("127.0.0.1")) != all.end());
}
