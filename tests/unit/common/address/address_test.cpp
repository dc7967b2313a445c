#include "common/address/address.h"

#include "catch.h"
#include "common/address/grammar.h"

using namespace facteur;
using address::Address;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("addresses are read and written back") {
  struct {
    std::string_view text, local_part, domain, written;
  } const rows[] = {
      {"jim@minfo.sn", "jim", "minfo.sn", "jim@minfo.sn"},
      {"jim", "jim", "", "jim"},
      {"Jim.O'Neil+x=y@Minfo.SN", "Jim.O'Neil+x=y", "Minfo.SN", "Jim.O'Neil+x=y@Minfo.SN"},
      {R"("a b"@x.org)", "a b", "x.org", R"("a b"@x.org)"},
      {R"("a\"b\\"@x.org)", R"(a"b\)", "x.org", R"("a\"b\\"@x.org)"},
      {R"("a@b"@x.org)", "a@b", "x.org", R"("a@b"@x.org)"},
      {R"("jim"@x.org)", "jim", "x.org", "jim@x.org"},
      {R"(""@x.org)", "", "x.org", R"(""@x.org)"},
      {"u@[127.0.0.1]", "u", "[127.0.0.1]", "u@[127.0.0.1]"},
      {"u@[IPv6:::ffff:127.0.0.1]", "u", "[IPv6:::ffff:127.0.0.1]", "u@[IPv6:::ffff:127.0.0.1]"},
      {"\xc3\xbc@\xc3\xbc.de", "\xc3\xbc", "\xc3\xbc.de", "\xc3\xbc@\xc3\xbc.de"},
      {"u@a_b.x", "u", "a_b.x", "u@a_b.x"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto parsed = address::parse(row.text);
    REQUIRE(parsed);
    CHECK(parsed->local_part == row.local_part);
    CHECK(parsed->domain == row.domain);
    CHECK(parsed->to_string() == row.written);
    CHECK(address::parse(parsed->to_string()) == *parsed);
  }
}

TEST_CASE("what is no address is refused") {
  using namespace std::string_view_literals;
  for (const auto text : {""sv,
                          "@"sv,
                          "a@"sv,
                          "@x.org"sv,
                          "a@@x"sv,
                          "a@b@c"sv,
                          ".a@x"sv,
                          "a.@x"sv,
                          "a..b@x"sv,
                          "a b@x"sv,
                          "a@x."sv,
                          "a@.x"sv,
                          "a@-x.org"sv,
                          "a@x-.org"sv,
                          "a@x..org"sv,
                          "a@[999.1.1.1]"sv,
                          "a@[1.2.3.4.5]"sv,
                          "a@[1.2.3]"sv,
                          "a@[::1]"sv,
                          "a@[IPv6:::1"sv,
                          "a@[IPv6::::]"sv,
                          "a@[127.0.0.1\0]"sv,
                          "a@1.2.3.4"sv,
                          "a@x.org>"sv,
                          "<a@x.org>"sv,
                          "a(c)@x"sv,
                          "\""sv,
                          "\"\""sv,
                          "\"a"sv,
                          "\"a\\"sv,
                          "\"a\"b@x"sv,
                          "\"a\r\nb\"@x"sv,
                          "\"\0\"@x"sv,
                          "a\0b@x"sv,
                          "a@x\0.org"sv,
                          "a,b@x"sv,
                          "a:b@x"sv,
                          "\xff\xfe@x"sv,
                          "\xc0\xaf@x"sv,
                          "\xed\xa0\x80@x"sv,
                          "\xe2\x82@x"sv,
                          "a@\xff.de"sv,
                          "a@x y"sv}) {
    CAPTURE(text);
    CHECK_FALSE(address::parse(text));
  }
}

TEST_CASE("CMD-17: lengths of local part, label and domain") {
  CHECK(address::parse(repeat("l", 64) + "@x.org"));
  CHECK_FALSE(address::parse(repeat("l", 65) + "@x.org"));
  CHECK_FALSE(address::parse("\"" + repeat("l", 65) + "\"@x.org"));
  CHECK(address::parse("a@" + repeat("d", 63) + ".org"));
  CHECK_FALSE(address::parse("a@" + repeat("d", 64) + ".org"));
  const auto domain_253 = repeat(repeat("d", 62) + ".", 4) + "x";
  CHECK(address::parse("a@" + domain_253 + "yz"));
  CHECK_FALSE(address::parse("a@" + domain_253 + "yz" + "!").has_value());
  CHECK_FALSE(address::parse("a@" + domain_253 + "yzx1"));
  CHECK_FALSE(address::parse(repeat(".", 100000)));
  CHECK_FALSE(address::parse("a@" + repeat(".", 100000)));
}

TEST_CASE("addresses are equal without regard to the case of the domain only") {
  CHECK(Address{"jim", "Minfo.SN"} == Address{"jim", "minfo.sn"});
  CHECK_FALSE(Address{"Jim", "minfo.sn"} == Address{"jim", "minfo.sn"});
  CHECK(Address{"Jim", "Minfo.SN"}.key() == "Jim@minfo.sn");
  CHECK(Address{}.to_string().empty());
  CHECK(Address{}.empty());
}

TEST_CASE("the detail of a local part") {
  const auto split = [](std::string_view local_part, std::string_view delimiters = "+") {
    return address::split_detail(local_part, delimiters);
  };
  using Parts = std::pair<std::string_view, std::optional<std::string_view>>;
  CHECK(split("jim") == Parts{"jim", std::nullopt});
  CHECK(split("jim+list") == Parts{"jim", "list"});
  CHECK(split("jim+a+b") == Parts{"jim", "a+b"});
  CHECK(split("jim+") == Parts{"jim", ""});
  CHECK(split("+jim") == Parts{"+jim", std::nullopt});
  CHECK(split("jim-x+y", "-+") == Parts{"jim", "x+y"});
  CHECK(split("jim+list", "") == Parts{"jim+list", std::nullopt});
  CHECK(split("Mailer-Daemon", "-") == Parts{"Mailer-Daemon", std::nullopt});
}
